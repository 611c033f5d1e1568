"""Reference sets: what a declaration becomes, what is wrong with one, what Handlers see, and who asks for which."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import messagefoundry
from messagefoundry.contracts.errors import SourceUnreadable
from messagefoundry.contracts.references import ReferenceSource, reference_source
from messagefoundry.contracts.settings import ReferenceSettings
from messagefoundry.contracts.specs import ReferenceSourceSpec
from messagefoundry.plugins import Candidate, collect
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.reference_content import content_of, values_of
from messagefoundry.wiring.reference_direct import DirectReferences
from messagefoundry.wiring.reference_sets import (
    ReferenceSet,
    UnknownReferenceError,
    UnsyncedReferenceError,
    reference,
)
from messagefoundry.wiring.reference_users import waits_for
from messagefoundry.wiring.running import NoServices, OutsideRunError, Running, as_running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.wiring.conftest import Configuration

FEED = 'inbound("IB", Pipe(port=1), router="adt")\noutbound("OB_LAB", Pipe(host="lab", port=2))\n'
SET = 'Reference("providers", source=FileRef(path="providers.csv"))'


def declared(configuration: Configuration, line: str, routes: str | None = None) -> None:
    """A feed whose sixth line is `line`."""
    source = f"{line}\n{FEED}"
    configuration.feed(source) if routes is None else configuration.feed(source, routes=routes)


# -- declarations ----------------------------------------------------------------------------------------------------


def test_a_declaration(configuration: Configuration) -> None:
    declared(configuration, SET)
    configuration.deployment = Deployment(reference_refresh_seconds=7, reference_max_staleness_seconds=9)
    found = configuration.load().references["providers"]
    assert (found.refresh_seconds, found.max_staleness_seconds) == (7, 9)
    assert found.origin() == "FileRef providers.csv"
    assert (found.place.file, found.place.line) == (str(configuration.directory / "feed.py"), 5)


def test_its_own_times_win_and_may_come_from_the_environment(configuration: Configuration) -> None:
    line = 'Reference("p", source=FileRef(path=env("file")), refresh_seconds=env("often", cast=int), {})'
    declared(configuration, line.format("max_staleness_seconds=0"))
    configuration.values = {"file": "x.toml", "often": "60"}
    configuration.deployment = Deployment(reference_max_staleness_seconds=9)
    found = configuration.load().references["p"]
    assert (found.refresh_seconds, found.max_staleness_seconds, found.origin()) == (60, 0, "FileRef x.toml")


def test_a_relative_path_starts_at_the_configuration(configuration: Configuration) -> None:
    declared(configuration, SET)
    (configuration.directory / "providers.csv").write_text("code,npi\nX,1\n")
    found = configuration.load().references["providers"]
    assert found.read() == {"X": "1"}
    with pytest.raises(SourceUnreadable, match="No such file"):
        replace(found, directory=configuration.directory.parent).read()


UNREADABLE = {
    "[SECRET]\na = 1\n[SECRET]\n": ":3: is not readable as TOML (mend the file)",
    "[SECRET]\na = [1]\n": (
        ":2: is a list or a table in a table, but a code's value is text, a number, true or false, or a table of "
        "these (write it flat)"
    ),
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_file_that_cannot_be_read_shows_no_code(configuration: Configuration, text: str) -> None:
    declared(configuration, 'Reference("p", source=FileRef(path="p.toml"))')
    (configuration.directory / "p.toml").write_text(text)
    with pytest.raises(SourceUnreadable) as caught:
        configuration.load().references["p"].read()
    assert str(caught.value) == f"{configuration.directory / 'p.toml'}{UNREADABLE[text]}"


def test_a_file_in_another_character_set(configuration: Configuration) -> None:
    declared(configuration, 'Reference("p", source=FileRef(path="p.toml", encoding="cp1252"))')
    (configuration.directory / "p.toml").write_bytes(b'W = "M\xfcller"\n[X]\nday = 2026-01-02\n')
    assert configuration.load().references["p"].read() == {"W": "M\u00fcller", "X": {"day": date(2026, 1, 2)}}


WRONG = {
    SET
    + "\n"
    + SET: "feed.py:6: providers: a reference set of this name is already declared at feed.py:5 (rename one)",
    'Reference("p")': 'feed.py:5: p: a reference set needs a source (write source=FileRef(path="..."))',
    'Reference("p", source="p.csv")': 'feed.py:5: p: a reference set needs a source (write source=FileRef(path="..."))',
    'Reference("p", source=FileRef())': "feed.py:5: p: FileRef needs the option 'path' (add path=...)",
    'Reference("p", source=FileRef("p.csv", path="p.csv"))': (
        "feed.py:5: p: the options of FileRef are given by keyword (write FileRef(path=...))"
    ),
    'Reference("p", source=FileRef(path="p.csv", encodng="x"))': (
        "feed.py:5: p: FileRef has no option 'encodng' (did you mean 'encoding'?)"
    ),
    'Reference("p", source=FileRef(path="p.txt"))': (
        "feed.py:5: p: option 'path' names neither a .csv nor a .toml file (rename the file after what it is)"
    ),
    'Reference("p", source=FileRef(path="p.csv", encoding="base64"))': (
        "feed.py:5: p: option 'encoding' is no character set that Python knows (write one like 'utf-8' or 'cp1252')"
    ),
    'Reference("p", source=FileRef(path=env("gone")))': (
        "feed.py:5: p: option 'path' of FileRef: env('gone') has no value in the environment dev "
        "(set the variable MEFOR_VALUE_GONE)"
    ),
    'Reference("p", source=FileRef(path="p.csv"), refresh_seconds=0)': (
        "feed.py:5: p: option 'refresh_seconds' must be a number of seconds above 0"
    ),
    'Reference("p", source=FileRef(path="p.csv"), max_staleness_seconds="soon")': (
        "feed.py:5: p: option 'max_staleness_seconds' must be a number of seconds above 0"
    ),
    'Reference("p", source=FileRef(path="p.csv"), refresh=3)': (
        "feed.py:5: p: Reference() has no option 'refresh' (did you mean 'refresh_seconds'?)"
    ),
    'Reference(" p ", source=FileRef(path="p.csv"))': (
        "feed.py:5: the name of a reference set is text without spaces around it (give it a name)"
    ),
    'X = reference("p")': (
        "feed.py:5: reference('p') is asked for while the configuration loads, when no set is read yet "
        "(call it inside of the Router or Handler)"
    ),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_mistake_is_one_sentence(configuration: Configuration, line: str) -> None:
    declared(configuration, line)
    assert configuration.problems() == [WRONG[line]]


def test_a_source_of_a_plugin_that_is_not_installed(configuration: Configuration) -> None:
    declared(configuration, 'from tests.wiring.test_reference_sets import Rows\nReference("p", source=Rows(table="t"))')
    sentence = "feed.py:6: p: no installed plugin has the reference source 'Rows' (known are FileRef)"
    assert configuration.problems() == [sentence]


def test_a_source_of_the_database_plugin_is_refused_by_name() -> None:
    with pytest.raises(ImportError) as caught:
        messagefoundry.DatabaseRef  # noqa: B018
    assert str(caught.value) == "DatabaseRef is not supported yet in this release"


LOOKING_UP = """
@router("adt")
def route(msg):
    return "to_lab"

def npi(msg):
    return reference("providrs")[msg["PV1-7"]]

@handler("to_lab", accepts=lambda msg: True)
def to_lab(msg):
    return Send("OB_LAB", npi(msg))
"""


def test_a_name_that_no_set_has_keeps_the_configuration_from_loading(configuration: Configuration) -> None:
    declared(configuration, SET, LOOKING_UP)
    sentence = "feed.py:15: to_lab: there is no reference set 'providrs' (did you mean 'providers'?)"
    assert configuration.problems() == [sentence]


def test_so_does_one_that_decides_whether_a_handler_runs(configuration: Configuration) -> None:
    asking = "accepts=npi)\ndef to_lab(msg):\n    return None\n"
    declared(configuration, SET, LOOKING_UP.partition("accepts=")[0] + asking)
    sentence = "feed.py:15: to_lab: there is no reference set 'providrs' (did you mean 'providers'?)"
    assert configuration.problems() == [sentence]


# -- a source of a plugin --------------------------------------------------------------------------------------------


class RowsSettings(ReferenceSettings):
    """Options of a source that calls somebody."""

    table: str

    def place(self) -> str:
        """The table."""
        return self.table


class RowsSource:
    """Gives two rows."""

    def __init__(self, settings: RowsSettings, directory: Path) -> None:
        self._table = settings.table

    def read(self) -> Mapping[str, Any]:
        """Rows that are no dicts."""
        return MappingProxyType({"X": MappingProxyType({"name": self._table, "beds": 3}), "Y": Decimal("1.50")})


Rows = reference_source("Rows", RowsSettings)


class RowsPlugin:
    """A plugin as its entry point names it."""

    contract = 1

    @staticmethod
    @messagefoundry.contracts.hookimpl
    def register_reference_sources() -> list[ReferenceSourceSpec]:
        """The source."""
        here = "tests.wiring.test_reference_sets"
        return [ReferenceSourceSpec("Rows", f"{here}:Rows", f"{here}:RowsSettings", f"{here}:RowsSource")]


@pytest.mark.hook("register_reference_sources")
def test_a_source_of_a_plugin_is_declared_and_read(configuration: Configuration) -> None:
    ours = Candidate.of_module("messagefoundry.plugins.builtin", "messagefoundry-core")
    pipes = Candidate.of_module("tests.wiring.pipes", "pipes")
    configuration.installed = collect([ours, pipes, Candidate("rows", "rows", "1", lambda: RowsPlugin)])
    declared(configuration, 'from tests.wiring.test_reference_sets import Rows\nReference("p", source=Rows(table="t"))')
    graph = configuration.load()
    assert graph.references["p"].origin() == "Rows t"
    source: ReferenceSource = RowsSource(RowsSettings(table="t"), configuration.directory)
    rows = values_of(content_of(graph.references["p"].read()))
    assert rows == {"X": {"name": "t", "beds": 3}, "Y": Decimal("1.50")} == dict(source.read())
    with pytest.raises(UnsyncedReferenceError) as caught:
        DirectReferences(graph).reference("p")
    assert str(caught.value) == "only a running engine reads the reference set 'p', from Rows t"


# -- rows ------------------------------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.text(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda each: each.replace(fold=0)),
    st.times().map(lambda each: each.replace(fold=0)),
    st.decimals(allow_nan=False),
)
ROWS = st.dictionaries(st.text(min_size=1), st.one_of(CELLS, st.dictionaries(st.text(), CELLS)))


@given(ROWS)
def test_rows_come_back_from_the_store_as_they_were(rows: dict[str, Any]) -> None:
    found = values_of(content_of(rows))
    assert found == rows
    assert list(found) == list(rows)
    assert {code: _kinds(row) for code, row in found.items()} == {code: _kinds(row) for code, row in rows.items()}


def _kinds(row: Any) -> Any:
    return {column: type(cell) for column, cell in row.items()} if isinstance(row, dict) else type(row)


def test_a_date_is_no_moment() -> None:
    rows = {"a": date(2026, 1, 2), "b": datetime(2026, 1, 2), "c": time(3, 4)}
    assert repr(values_of(content_of(rows))) == repr(rows)


UNSOUND: dict[str, tuple[Any, str]] = {
    "a code that is a number": ({1: "SECRET"}, "a code is text, and one is of the kind int"),
    "an empty code": ({"": "SECRET"}, "a row has no code"),
    "a list": ({"a": ["SECRET"]}, "a row has a value of the kind list, and a set holds"),
    "bytes in a row": ({"a": {"b": b"SECRET"}}, "a row has a value of the kind bytes, and a set holds"),
    "a row in a row": ({"a": {"b": {"c": "SECRET"}}}, "a row has a value of the kind dict, and a set holds"),
    "a column that is a number": ({"a": {1: "SECRET"}}, "the name of a column is text"),
    "half a character": ({"a": "\ud800"}, "a row has text that is no Unicode"),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_rows_that_are_not_sound_are_refused_without_showing_them(what: str) -> None:
    rows, sentence = UNSOUND[what]
    with pytest.raises(SourceUnreadable) as caught:
        content_of(rows)
    assert str(caught.value).startswith(sentence)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"3",
        b"\xff",
        b'["a", "b"]\n',
        b'["a", ["day", "2026-01-01"]]',
        b'["a", ["date", "x"]]',
        b'["a", ["decimal", "x"]]',
        b'["a", []]',
    ],
)
def test_other_bytes_are_no_rows(content: bytes) -> None:
    with pytest.raises(ValueError, match="these are not the rows of a reference set"):
        values_of(content)


def test_a_set_is_a_mapping_that_nobody_can_change() -> None:
    found = ReferenceSet("providers", {"X": "1", "W": {"site": "N"}})
    assert (found["X"], found.get("Q"), found.get(None, 3), "X" in found, "Q" in found) == ("1", None, 3, True, False)
    assert (len(found), list(found), dict(found)) == (2, ["X", "W"], {"X": "1", "W": {"site": "N"}})
    assert repr(found) == "ReferenceSet('providers', 2 rows)"
    with pytest.raises(TypeError):
        found["W"]["site"] = "S"
    with pytest.raises(TypeError):
        found["X"] = "2"  # type: ignore[index]
    assert copy.deepcopy(found)["W"] == {"site": "N"}


def test_a_miss_names_the_set_and_never_the_code() -> None:
    with pytest.raises(KeyError) as caught:
        ReferenceSet("providers", {})["SECRET"]
    assert caught.value.args == ("the reference set 'providers' does not have this code",)
    assert caught.value.__suppress_context__


# -- looking up ------------------------------------------------------------------------------------------------------


def test_a_look_up_is_answered_by_whoever_runs_the_message() -> None:
    class Services(NoServices):
        def reference(self, name: str) -> Mapping[str, Any]:
            return {"X": name}

    with as_running(Running(services=Services())):
        assert reference("providers")["X"] == "providers"
    with pytest.raises(OutsideRunError):
        reference("providers")


def test_a_dry_run_reads_files_itself_and_once(configuration: Configuration) -> None:
    declared(configuration, SET + '\nReference("gone", source=FileRef(path="gone.csv"))')
    file = configuration.directory / "providers.csv"
    file.write_text("code,npi\nX,1\n")
    sets = DirectReferences(configuration.load())
    found = sets.reference("providers")
    file.write_text("code,npi\nX,2\n")
    assert dict(found) == {"X": "1"}
    assert sets.reference("providers") is found
    with pytest.raises(UnsyncedReferenceError, match=r"the reference set 'gone' cannot be read: /.+/gone\.csv: cannot"):
        sets.reference("gone")
    with pytest.raises(UnknownReferenceError, match="there is no reference set 'others'"):
        sets.reference("others")


# -- who asks --------------------------------------------------------------------------------------------------------

TWO_SETS = SET + '\nReference("sites", source=FileRef(path="sites.csv"))'
ASKING = """
import _enriching
NAME = "sites"

@router("adt")
def route(msg):
    return ["to_lab", "to_site"] if msg["MSH-4"] else "to_lab"

@router("other")
def other(msg):
    return "plain"

@handler("to_lab", accepts=lambda msg: bool(msg))
def to_lab(msg):
    return Send("OB_LAB", _enriching.Enriched(msg).npi())

@handler("to_site")
def to_site(msg):
    return Send("OB_LAB", reference({to_site})["N"])

@handler("plain")
def plain(msg):
    return Send("OB_LAB", reference({plain})["N"])
"""
LIBRARY = """
from messagefoundry import reference

class Enriched:
    def __init__(self, msg):
        self.msg = msg

    def npi(self):
        return looked_up(self.msg["PV1-7"])

def looked_up(code):
    return reference("providers").get(code)
"""


def asked(configuration: Configuration, *, plain: str, to_site: str = '"sites"') -> dict[str, set[str]]:
    configuration.write("_enriching.py", LIBRARY)
    routes = ASKING.replace("{to_site}", to_site).replace("{plain}", plain)
    declared(configuration, TWO_SETS + '\ninbound("IB_OTHER", Pipe(port=3), router="other")', routes)
    return {name: set(sets) for name, sets in waits_for(configuration.load()).items()}


def test_who_asks_is_read_from_the_code_through_the_modules_of_the_configuration(configuration: Configuration) -> None:
    assert asked(configuration, plain='"sites"') == {"IB": {"providers", "sites"}, "IB_OTHER": {"sites"}}


def test_a_name_behind_a_global_is_found(configuration: Configuration) -> None:
    found = asked(configuration, plain='"providers"', to_site="NAME")
    assert found == {"IB": {"providers", "sites"}, "IB_OTHER": {"providers"}}


def test_a_computed_name_may_be_any_set(configuration: Configuration) -> None:
    found = asked(configuration, plain='msg["MSH-4"]')
    assert found == {"IB": {"providers", "sites"}, "IB_OTHER": {"providers", "sites"}}


def test_a_set_that_nobody_seems_to_ask_for_counts_for_all(configuration: Configuration) -> None:
    found = asked(configuration, plain='"providers"', to_site='"providers"')
    assert found == {"IB": {"providers", "sites"}, "IB_OTHER": {"providers", "sites"}}
