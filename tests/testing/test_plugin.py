"""No clause is dropped silently, and runs without a kit notice nothing of the plugin."""

from __future__ import annotations

from typing import NamedTuple

import pytest

pytest_plugins = ("pytester",)


class Ran(NamedTuple):
    """How a run of pytest ended and what it printed."""

    returncode: int
    stdout: str


KIT = """
import pytest
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.testing import CipherConformance, CipherSubject

class Open(CipherSubject):
    def cipher(self):
        return Plaintext()

    def stranger(self):
        return Plaintext()

REASON = "the plain form does not encrypt"

class TestMine(CipherConformance):
    not_applicable = {
        "test_nothing_lies_open": REASON,
        "test_no_two_envelopes_are_alike": REASON,
        "test_an_envelope_belongs_to_its_row": REASON,
        "test_a_changed_envelope_is_not_opened": REASON,
        "test_a_cut_envelope_is_not_opened": REASON,
        "test_another_key_opens_nothing": REASON,
    }

    @pytest.fixture
    def subject(self):
        return Open()
"""
SUMMARY = "test_mine.py::TestMine (cipher): 12 clauses, 6 passed, 6 not applicable"


INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider\n"


def run(pytester: pytest.Pytester, source: str, *options: str, conftest: str = "", apart: bool = False) -> Ran:
    """Run pytest over one module; `apart` in a process of its own."""
    pytester.makepyfile(test_mine=source)
    pytester.makeconftest(conftest)
    pytester.makefile(".ini", pytest=INI)
    ran = pytester.runpytest_subprocess(*options) if apart else pytester.runpytest_inprocess(*options)
    return Ran(int(ran.ret), ran.stdout.str())


def test_a_sound_run_says_what_ran(pytester: pytest.Pytester) -> None:
    result = run(pytester, KIT)
    assert result.returncode == 0, result.stdout
    assert SUMMARY in result.stdout
    assert ", test_another_key_opens_nothing: the plain form does not encrypt" in result.stdout


def test_workers_of_xdist_are_counted_together(pytester: pytest.Pytester) -> None:
    result = run(pytester, KIT, "-n", "2", apart=True)
    assert result.returncode == 0, result.stdout
    assert SUMMARY in result.stdout


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("    def test_is_mine(self): pass\n    test_works_from_several_threads = None", "several_threads is removed"),
        ("    def test_works_from_several_threads(self): pass", "test_works_from_several_threads is overridden"),
        (
            "    not_applicable = {'test_work_from_several_threads': 'why'}",
            "do you mean test_works_from_several_th",
        ),
        ("    not_applicable = {'test_nothing_lies_open': ' '}", "gives no reason for test_nothing_lies_open"),
    ],
)
def test_a_clause_cannot_be_changed(pytester: pytest.Pytester, change: str, complaint: str) -> None:
    result = run(pytester, f"{KIT}\n{change}\n")
    assert result.returncode != 0
    assert complaint in result.stdout


@pytest.mark.parametrize(
    "change",
    [
        "pytestmark = pytest.mark.skip(reason='slow')",
        "TestMine = pytest.mark.skip(reason='slow')(TestMine)",
        "TestMine = pytest.mark.xfail(reason='known')(TestMine)\nOpen.cipher = None",
        "Open.cipher = lambda self: pytest.skip('no key here')",
    ],
)
def test_a_clause_cannot_be_skipped(pytester: pytest.Pytester, change: str) -> None:
    result = run(pytester, f"{KIT}\n{change}\n")
    assert result.returncode == 1, result.stdout
    assert "was skipped or expected to fail: declare it in not_applicable, or pass" in result.stdout


def test_a_clause_cannot_vanish_after_collection(pytester: pytest.Pytester) -> None:
    conftest = "def pytest_collection_modifyitems(items): items[:] = items[:-1]"
    result = run(pytester, KIT, conftest=conftest)
    assert result.returncode == 1
    assert "test_mine.py::TestMine: clauses were dropped, so the run has failed" in result.stdout


def test_a_clause_cannot_be_called_by_another_name(pytester: pytest.Pytester) -> None:
    result = run(pytester, KIT, "-o", "python_functions=check_*")
    assert result.returncode != 0
    assert "is not collected: see python_functions" in result.stdout


def test_who_asks_for_a_part_gets_it_and_is_told(pytester: pytest.Pytester) -> None:
    for part in (("-k", "several_threads"), ("test_mine.py::TestMine::test_works_from_several_threads",)):
        result = run(pytester, KIT, *part)
        assert result.returncode == 0, result.stdout
        assert "12 clauses, 1 passed, 11 not run" in result.stdout


def test_a_failed_clause_says_what_it_asks_for(pytester: pytest.Pytester) -> None:
    result = run(
        pytester, f"{KIT}\nclass Silent(Plaintext): seal = lambda *_: b''\nOpen.cipher = lambda self: Silent()\n"
    )
    assert result.returncode == 1
    assert "An envelope begins with one byte that names its form, the same for all of a cipher; never" in result.stdout
    assert "assert len(" in result.stdout


def test_without_a_subject_the_kit_says_so(pytester: pytest.Pytester) -> None:
    source = "from messagefoundry.testing import CipherConformance\nclass TestMine(CipherConformance): pass\n"
    result = run(pytester, source)
    assert result.returncode == 1
    assert "the kit needs a fixture `subject` that gives a CipherSubject" in result.stdout


OTHER = """
import sys

def test_nothing_is_imported_for_those_who_use_no_kit():
    assert [name for name in sys.modules if name.startswith("messagefoundry")] == [
        "messagefoundry", "messagefoundry.testing", "messagefoundry.testing.plugin"
    ]
    assert "pydantic" not in sys.modules
"""


def test_a_run_without_a_kit_notices_nothing(pytester: pytest.Pytester) -> None:
    result = run(pytester, OTHER, apart=True)
    assert result.returncode == 0, result.stdout
    assert "conformance" not in result.stdout
