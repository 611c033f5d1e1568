"""The doctor: what is installed, what it needs, and what a configuration needs of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from messagefoundry.plugins import Candidate, collect, installed, pip_line
from messagefoundry.plugins.doctor import Report, Wanted, examine
from messagefoundry.wiring.wanted import wanted_by

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
from messagefoundry.contracts import ConnectorSpec, Requirement, hookimpl
contract = 1
@hookimpl
def register_connectors():
    return [ConnectorSpec("Fax", "{module}:Fax", "{module}:FaxSettings", None, "{module}:Sender")]
@hookimpl
def register_requirements():
    return [
        Requirement("modem", "{module}:modem", "plug it in"),
        Requirement("paper", "{module}:paper", "fill it"),
        Requirement("ink", "{module}:ink", "fill it"),
    ]
Fax = FaxSettings = object
def modem(): return "no modem answers"
def paper(): return None
def ink(): return 1 / 0
"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    (tmp_path / "acme_fax.py").write_text(PLUGIN.format(module="acme_fax"))
    info = tmp_path / "acme_fax-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-fax\nVersion: 1.0\n"
        "Requires-Dist: trio>=0.2\nRequires-Dist: pluggy>=900\nRequires-Dist: no-such-thing\n"
        "Requires-Dist: tonerlib; extra == 'colour'\nRequires-Dist: winfax; sys_platform == 'plan9'\n"
        "Requires-Dist: acme-broken-driver\n"
    )
    driver = tmp_path / "acme_driver"
    driver.mkdir()
    (driver / "__init__.py").write_text("raise ImportError('libfax.so is missing')\n")
    driver_info = tmp_path / "acme_broken_driver-3.dist-info"
    driver_info.mkdir()
    (driver_info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-broken-driver\nVersion: 3\n")
    (driver_info / "RECORD").write_text("acme_driver/__init__.py,,\nacme_broken_driver-3.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_fax", raising=False)
    return examine(collect([Candidate.of_module("acme_fax", "acme-fax", "1.0")]))


def test_what_a_plugin_registers_and_whether_it_can_be_imported(report: Report) -> None:
    (examined,) = report.plugins
    assert (examined.plugin.distribution, examined.plugin.version, examined.plugin.contract) == ("acme-fax", "1.0", 1)
    fax = examined.registers[0]
    assert (fax.kind, fax.name) == ("connector", "Fax")
    assert fax.problem == (
        "acme_fax:Sender cannot be imported: AttributeError: module 'acme_fax' has no attribute 'Sender'"
    )
    assert [entry.problem for entry in examined.registers[1:]] == ["", "", ""]
    assert not examined.sound
    assert not report.sound


def test_what_a_plugin_needs(report: Report) -> None:
    needs = {need.name: need for need in report.plugins[0].needs}
    assert list(needs) == ["trio>=0.2", "pluggy>=900", "no-such-thing", "acme-broken-driver", "modem", "paper", "ink"]
    assert needs["trio>=0.2"].met
    assert needs["pluggy>=900"].problem.startswith("is installed as 1.")
    assert needs["pluggy>=900"].mend == "pip install 'pluggy>=900'"
    assert needs["no-such-thing"].problem == "is not installed"
    assert needs["acme-broken-driver"].problem == "cannot be imported: ImportError: libfax.so is missing"
    assert (needs["modem"].problem, needs["modem"].mend) == ("no modem answers", "plug it in")
    assert needs["paper"].met
    assert needs["ink"].problem == "its check failed with ZeroDivisionError: division by zero"


def test_what_a_configuration_lacks(installed_plugins: Wanted) -> None:
    report = examine(collect([]), installed_plugins)
    assert [str(problem) for problem in report.missing] == [
        f"the connector MLLP is not installed ({pip_line('mllp')})",
        "the connector Sftp is not available in this release",
        "no installed plugin has the connector Telepathy",
        "the content type x12 is not available in this release",
        f"the store sqlite is not installed ({pip_line('sqlite')})",
    ]
    assert not report.sound


@pytest.fixture
def installed_plugins() -> Wanted:
    return Wanted(["Sftp", "MLLP", "MLLP", "Telepathy"], ["x12"], ["sqlite"])


def test_a_broken_plugin_is_unsound() -> None:
    report = examine(collect([Candidate.of_module("acme_nowhere")]))
    assert not report.sound
    assert report.broken[0].cause == "it cannot be imported: ModuleNotFoundError: No module named 'acme_nowhere'"


def test_nothing_installed_is_sound() -> None:
    assert examine(collect([])).sound


def test_what_a_configuration_names_is_found_though_its_modules_fail(tmp_path: Path) -> None:
    directory = tmp_path / "config"
    directory.mkdir(mode=0o755)
    sources = {
        "a.py": "from messagefoundry import Sftp, Http, Send\n",
        "b.py": "from messagefoundry.contracts import transport\nfrom messagefoundry import inbound\n"
        "inbound('IB', transport('Fax', dict)(), router='x', content_type='x12')\n",
        "c.py": "def (\n",
    }
    for name, source in sources.items():
        (directory / name).write_text(source)
        (directory / name).chmod(0o644)
    wanted = wanted_by(directory)
    assert wanted == Wanted(frozenset({"Sftp", "Http", "Fax"}), frozenset({"x12"}))
    report = examine(installed(), replace(wanted, stores=["sqlite"]))
    assert "no installed plugin has the connector Fax" in [str(problem) for problem in report.missing]
