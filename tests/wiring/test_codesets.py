"""Code sets: what their files become, what is wrong with them, and who gets which."""

from __future__ import annotations

import copy
import importlib.util
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.message import Message
from messagefoundry.wiring.codesets import UnknownCodeSetError, code_set, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.frozen_tables import Row
    from tests.wiring.conftest import Configuration

FEED = 'inbound("IB", Pipe(port=1), router="adt")\noutbound("OB_LAB", Pipe(host="lab", port=2))\n'


@pytest.fixture
def feed(configuration: Configuration) -> Configuration:
    configuration.feed(FEED)
    (configuration.directory / "codesets").mkdir()
    return configuration


def write(configuration: Configuration, name: str, content: str | bytes) -> Path:
    file = configuration.directory / "codesets" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_one_column_gives_texts(feed: Configuration) -> None:
    write(feed, "epic_diets.csv", 'epic,cbord\r\nREG,Regular\r\nNPO,\r\n\r\nLOW NA,"Low, salt"\r\n')
    diets = feed.load().code_sets["epic_diets"]
    assert dict(diets) == {"REG": "Regular", "NPO": "", "LOW NA": "Low, salt"}
    assert list(diets) == ["REG", "NPO", "LOW NA"]
    assert len(diets) == 3
    assert "REG" in diets
    assert "X" not in diets
    assert diets.get("X") is None
    assert diets.get(None, "") == ""
    assert repr(diets) == "CodeSet('epic_diets', 3 codes)"


def test_several_columns_give_rows(feed: Configuration) -> None:
    write(feed, "wards.csv", '\ufeff"ward, if any",site,beds\n1A,NORTH,12\n')
    ward = feed.load().code_sets["wards"]["1A"]
    assert ward == {"site": "NORTH", "beds": "12"}
    assert ward["site"] == "NORTH"
    assert json.dumps(ward) == '{"site": "NORTH", "beds": "12"}'


def test_toml(feed: Configuration) -> None:
    write(feed, "sites.toml", '\ufeffN = "North"\nbeds = 12\nopen = true\n\n[S]\nname = "South"\nbeds = 3\n')
    sites = feed.load().code_sets["sites"]
    assert dict(sites) == {"N": "North", "beds": 12, "open": True, "S": {"name": "South", "beds": 3}}


def test_a_miss_names_the_set_and_never_the_code(feed: Configuration) -> None:
    write(feed, "diets.csv", "a,b\n1,2\n")
    diets = feed.load().code_sets["diets"]
    with pytest.raises(KeyError) as caught:
        diets["SECRET"]
    assert caught.value.args == ("the code set 'diets' does not have this code",)
    assert caught.value.__suppress_context__


def change(row: Row, how: str) -> None:
    exec(how, {"row": row})


CHANGES = ["row['a'] = 1", "del row['b']", "row.clear()", "row.pop('b')", "row.popitem()", "row.setdefault('c', 1)"]


@pytest.mark.parametrize("how", [*CHANGES, "row.update(b=2)", "row |= {'b': 2}"])
def test_a_row_cannot_be_changed(feed: Configuration, how: str) -> None:
    write(feed, "wards.csv", "a,b,c\n1,2,3\n")
    row = feed.load().code_sets["wards"]["1"]
    with pytest.raises(TypeError, match=r"take dict\(row\)"):
        change(row, how)
    assert row == {"b": "2", "c": "3"}
    assert copy.deepcopy(row) == row
    assert {**row, "b": "4"} == {"b": "4", "c": "3"}


def test_no_folder_no_code_sets(configuration: Configuration) -> None:
    configuration.feed(FEED)
    assert dict(configuration.load().code_sets) == {}


def test_files_of_other_kinds_are_left_alone(feed: Configuration) -> None:
    for name in ("README.md", ".diets.csv", "_old.csv", "~$diets.xlsx"):
        write(feed, name, b"\xff")
    (feed.directory / "codesets" / "older").mkdir()
    assert dict(feed.load().code_sets) == {}


MISTAKES: dict[str, tuple[str, str | bytes, list[str]]] = {
    "empty": (
        "a.csv",
        "",
        [
            "a.csv:1: needs a header with at least two columns: the code, then its value "
            "(write a first line like code,value)"
        ],
    ),
    "one column": (
        "a.csv",
        "code\n1\n",
        [
            "a.csv:1: needs a header with at least two columns: the code, then its value "
            "(write a first line like code,value)"
        ],
    ),
    "columns": (
        "a.csv",
        "code,b,b,,x\n",
        [
            "a.csv:1: a column has no name (give every column of the first line one)",
            "a.csv:1: the column 'b' is there 2 times (give every column a name of its own)",
        ],
    ),
    "rows, all of them": (
        "a.csv",
        'code,value\n1,"two\nlines"\n2\n3,x,y\n1,again\n,empty\n4,fine\n',
        [
            "a.csv:4: the row has 1 cell, the header 2 (add what is missing)",
            "a.csv:5: the row has 3 cells, the header 2 (quote a cell that has a comma in it)",
            "a.csv:6: the row has the code of line 2 again (keep one of the two)",
            "a.csv:7: the row has no code in its first column (give it one, or remove the row)",
        ],
    ),
    "quotes": (
        "a.csv",
        'code,value\n1,"open\n',
        ["a.csv:2: is not readable as CSV: unexpected end of data (mend the row)"],
    ),
    "not UTF-8": (
        "a.csv",
        b"code,value\n1,M\xfcller\n",
        ["a.csv:2: is not UTF-8 text (save the file in that encoding)"],
    ),
    "no TOML": (
        "a.toml",
        "a = 1\na = 2\n",
        ["a.toml:2: is not readable as TOML: Cannot overwrite a value (at line 2, column 6) (mend the file)"],
    ),
    "nested": (
        "a.toml",
        "a = [1]\n\n[b]\nc = 1\n\n[b.d]\ne = 2\n",
        [
            "a.toml:1: a: is a list or a table in a table, but a code's value is text, a number, true or false, or a "
            "table of these (write it flat)",
            "a.toml:6: b.d: is a list or a table in a table, but a code's value is text, a number, true or false, or a "
            "table of these (write it flat)",
        ],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_sentence(feed: Configuration, mistake: str) -> None:
    name, content, expected = MISTAKES[mistake]
    write(feed, name, content)
    feed.write("zzz.py", f"from messagefoundry import code_set\nKNOWN = code_set({name.partition('.')[0]!r})\n")
    assert feed.problems() == [f"codesets/{each}" for each in expected]


def test_two_files_of_one_name(feed: Configuration) -> None:
    write(feed, "a.csv", "x,y\n")
    write(feed, "a.toml", "x = 1\n")
    assert feed.problems() == ["codesets/a.toml: the code set 'a' is in a.csv already (keep one of the two)"]


def test_problems_of_all_files_and_modules_come_at_once(feed: Configuration) -> None:
    write(feed, "a.csv", "x\n")
    write(feed, "b.toml", "x =\n")
    feed.write("zzz.py", "x = (\n")
    assert [each.partition(":")[0] for each in feed.problems()] == ["codesets/a.csv", "codesets/b.toml", "zzz.py"]


def test_an_unknown_set_is_a_problem_where_it_is_asked_for(feed: Configuration) -> None:
    write(feed, "epic_diets.csv", "a,b\n")
    feed.write(
        "zzz.py",
        """\
from messagefoundry import code_set, handler, Send, router

DIETS = code_set("epic_diet")

@handler("to_ward")
def to_ward(msg):
    return helper(msg)

def helper(msg):
    return Send("OB_LAB", code_set(name="wards").get("x") or code_set("epic_diets")["x"])

@router("all")
def route(msg):
    return code_set("routes").get(msg["MSH-4"])
""",
    )
    assert feed.problems() == [
        "zzz.py:3: there is no code set 'epic_diet' (did you mean 'epic_diets'?)",
        "zzz.py:10: to_ward: there is no code set 'wards' (known are epic_diets)",
        "zzz.py:14: all: there is no code set 'routes' (known are epic_diets)",
    ]


LOOKING_UP = """
from messagefoundry import code_set

DIETS = code_set("diets")

@handler("captured")
def captured(msg):
    return Send("OB_LAB", DIETS.get("REG"))

@handler("at_call_time")
def at_call_time(msg):
    return Send("OB_LAB", code_set("diets").get("REG"))

@handler("computed")
def computed(msg):
    return Send("OB_LAB", code_set(msg["MSH-4"]).get("REG"))

@router("all")
def route(msg):
    return ["captured", "at_call_time"]
"""


def sent(graph: Any, handler: str, facility: str = "diets") -> str:
    message = Message.parse(f"MSH|^~\\&|A|{facility}|L|H|20260101||ADT^A01^ADT_A01|1|T|2.5.1\r")
    return str(graph.handlers[handler].function(message).message)


def test_every_graph_has_the_sets_that_it_was_loaded_with(configuration: Configuration) -> None:
    configuration.feed(FEED + LOOKING_UP)
    file = write(configuration, "diets.csv", "a,b\nREG,Regular\n")
    before = configuration.load()
    file.write_text("a,b\nREG,Normal\n")
    after = configuration.load()
    file.unlink()  # nothing is read any more
    for handler in ("captured", "at_call_time", "computed"):
        assert sent(before, handler) == "Regular"
        assert sent(after, handler) == "Normal"
    assert after.code_sets["diets"]["REG"] == "Normal"


def test_in_any_thread(configuration: Configuration) -> None:
    configuration.feed(FEED + LOOKING_UP)
    write(configuration, "diets.csv", "a,b\nREG,Regular\n")
    graph, found = configuration.load(), []
    thread = threading.Thread(target=lambda: found.append(sent(graph, "at_call_time")))
    thread.start()
    thread.join()
    assert found == ["Regular"]


def test_a_computed_name_that_there_is_none_of(configuration: Configuration) -> None:
    configuration.feed(FEED + LOOKING_UP)
    write(configuration, "diets.csv", "a,b\nREG,Regular\n")
    graph = configuration.load()
    with pytest.raises(UnknownCodeSetError, match="there is no code set 'diet'"):
        sent(graph, "computed", "diet")


def test_neighbours_and_libraries_get_those_of_the_configuration_that_asks(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "diets_of_ours.py").write_text(
        "from messagefoundry import code_set\ndef regular():\n    return code_set('diets')['REG']\n"
    )
    monkeypatch.syspath_prepend(library)
    write(configuration, "diets.csv", "a,b\nREG,Regular\n")
    configuration.write("_tables.py", 'from messagefoundry import code_set\nDIETS = code_set("diets")\n')
    configuration.feed(
        FEED
        + "from _tables import DIETS\nfrom diets_of_ours import regular\n"
        + '@handler("both")\ndef both(msg):\n    return Send("OB_LAB", DIETS["REG"] + regular())\n'
    )
    assert sent(configuration.load(), "both") == "RegularRegular"


def test_a_test_of_the_authors_imports_a_module_by_itself(configuration: Configuration) -> None:
    write(configuration, "diets.csv", "a,b\nREG,Regular\n")
    file = configuration.write("tables.py", 'from messagefoundry import code_set\nDIETS = code_set("diets")\n')
    spec = importlib.util.spec_from_file_location("tables_by_itself", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.DIETS["REG"] == "Regular"
    write(configuration, "diets.csv", "a\n")
    with pytest.raises(ConfigurationError, match="needs a header"):
        spec.loader.exec_module(module)


def test_outside_of_a_configuration_there_is_none() -> None:
    with pytest.raises(UnknownCodeSetError):
        code_set("diets")


def test_what_was_asked_for_while_loading_is_known(configuration: Configuration) -> None:
    configuration.feed(FEED + LOOKING_UP)
    write(configuration, "diets.csv", "a,b\n")
    ((name, place),) = configuration.load().captured
    assert (name, place.line) == ("diets", 10)


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes("code,value\n1,Müller\n".encode("latin-1"))
    assert read_table(file, "latin-1") == ({"1": "Müller"}, [])
    (problem,) = read_table(tmp_path / "absent.csv")[1]
    assert problem.text == "cannot be read: No such file or directory"
    (problem,) = read_table(file.rename(tmp_path / "export.txt"))[1]
    assert problem.text == "is not UTF-8 text"
    (problem,) = read_table(tmp_path / "export.txt", "latin-1")[1]
    assert problem.text == "is neither a .csv nor a .toml file"
