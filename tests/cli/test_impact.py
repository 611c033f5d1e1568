"""`impact`: who refers to what, and what cannot be known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.running import Command

FEED = """\
from messagefoundry import MLLP, File, Send, code_set, handler, inbound, outbound, router

DIETS = code_set("diets")
ARCHIVE = "OB_ARCHIVE"
BY_SITE = {"N": "OB_NORTH"}
LABS = {"1": ["to_lab"]}

inbound("IB_ADT", MLLP(port=2601), router="adt")
inbound("IB_QUERY", MLLP(port=2602, reply_from="OB_LAB"), router="queries")
outbound("OB_LAB", MLLP(host="lab", port=2603))
outbound("OB_ARCHIVE", File(directory="archive"))
outbound("OB_NORTH", File(directory="north"))
outbound("OB_IDLE", File(directory="idle"))


@router("adt")
def route(msg):
    if msg["PV1-2"] == "I":
        return ["to_lab", "to_archive"]
    return "to_site"


@router("queries")
def queries(msg):
    return LABS.get(msg["MSH-4"])


@handler("to_lab", accepts=lambda msg: DIETS.get("x") is None)
def to_lab(msg):
    return Send("OB_LAB", msg)


@handler("to_archive")
def to_archive(msg):
    return archived(msg)


def archived(msg):
    return Send(ARCHIVE, code_set("wards").get("1A", ""))


@handler("to_site")
def to_site(msg):
    return Send(BY_SITE[code_set(msg["MSH-4"])["site"]], msg)
"""


@pytest.fixture(autouse=True)
def wired(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    feed.unlink()
    (repository / "config" / "feed.py").write_text(FEED)
    folder = repository / "config" / "codesets"
    folder.mkdir()
    for name in ("diets", "wards", "unused"):
        (folder / f"{name}.csv").write_text("code,value\n1,2\n")
    return repository


def line(text: str) -> str:
    number = next(number for number, each in enumerate(FEED.splitlines(), 1) if text in each)
    return str(Path("config/feed.py").absolute()) + f":{number}"


def asked(command: Command, kind: str, name: str) -> dict[str, Any]:
    ran = command("impact", kind, name, "--json")
    assert (ran.code, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def refers(found: dict[str, Any], key: str = "referred_to_by") -> list[tuple[str, str, str, str]]:
    return [(each["kind"], each["name"], each["how"], each["place"]) for each in found[key]]


def test_an_outbound(command: Command) -> None:
    found = asked(command, "connection", "OB_LAB")
    assert (found["kind"], found["name"], found["place"]) == ("outbound", "OB_LAB", line('outbound("OB_LAB"'))
    assert refers(found) == [
        ("inbound", "IB_QUERY", "answers with its reply", line('inbound("IB_QUERY"')),
        ("handler", "to_lab", "sends to it", line('Send("OB_LAB"')),
    ]
    assert found["reached_from"] == {
        "inbound": ["IB_QUERY", "IB_ADT"],
        "handler": ["to_lab"],
        "router": ["adt", "queries"],
    }
    assert found["leads_to"] == {}
    assert refers(found, "not_known") == [
        ("handler", "to_site", "sends to a name that is computed", line("Send(BY_SITE")),
    ]


def test_a_name_in_a_constant_is_known_and_one_in_a_table_may_be_meant(command: Command) -> None:
    archive = asked(command, "connection", "OB_ARCHIVE")
    assert refers(archive) == [("handler", "to_archive", "sends to it", line("Send(ARCHIVE"))]
    assert [each[1] for each in refers(archive, "not_known")] == ["to_site"]
    north = asked(command, "connection", "OB_NORTH")
    assert refers(north) == [("handler", "to_site", "has its name in its code", line('@handler("to_site"'))]
    assert refers(north, "not_known") == []


REPLIES = """\
from messagefoundry import MLLP, Loopback, Send, handler, inbound, outbound, response_get, router

ASKED = "OB_CONST"
BOTH = ["OB_TABLE"]

inbound("IB", MLLP(port=2601), router="r")
inbound("IB_BACK", Loopback(), router="r")
outbound("OB_MPI", MLLP(host="h", port=1))
outbound("OB_CONST", MLLP(host="h", port=2))
outbound("OB_TWICE", MLLP(host="h", port=3))
outbound("OB_TABLE", MLLP(host="h", port=4))


@router("r")
def route(msg):
    return "h"


@handler("h")
def answer(msg):
    asked = response_get("OB_MPI") or response_get(ASKED) or response_get("OB_TWICE") or response_get("OB_TABLE")
    return Send("OB_TWICE", msg) if asked else [Send(name, msg) for name in BOTH]
"""


def test_to_ask_for_a_reply_is_not_to_send(wired: Path, command: Command) -> None:
    (wired / "config" / "feed.py").write_text(REPLIES)
    sent = {name: asked(command, "connection", name)["referred_to_by"] for name in ("OB_MPI", "OB_CONST")}
    assert sent == {"OB_MPI": [], "OB_CONST": []}
    for name in ("OB_TWICE", "OB_TABLE"):
        assert [each[1] for each in refers(asked(command, "connection", name))] == ["h"]
    drawn = json.loads(command("graph", "--json").out)["edges"]
    assert {each["to"] for each in drawn if each["kind"] == "handler-outbound"} == {"OB_TWICE", "OB_TABLE"}


def test_what_nothing_refers_to(command: Command) -> None:
    idle = asked(command, "connection", "OB_IDLE")
    assert refers(idle) == []
    assert [each[1] for each in refers(idle, "not_known")] == ["to_site"]
    shown = command("impact", "connection", "OB_IDLE")
    assert "nothing that is written down refers to it" in shown.out
    assert "not known: the name is computed" in shown.out
    assert "Handler" in shown.out


def test_an_inbound(command: Command) -> None:
    found = asked(command, "connection", "IB_ADT")
    assert refers(found) == refers(found, "not_known") == []
    assert found["leads_to"]["router"] == ["adt"]
    assert set(found["leads_to"]["handler"]) == {"to_lab", "to_archive", "to_site"}
    assert set(found["leads_to"]["codeset"]) == {"diets", "wards"}


def test_a_handler(command: Command) -> None:
    found = asked(command, "handler", "to_archive")
    assert refers(found) == [("router", "adt", "returns its name", line('return ["to_lab"'))]
    assert refers(found, "not_known") == [("router", "queries", "returns names that are computed", line("LABS.get"))]
    found = asked(command, "handler", "to_lab")
    assert [each[:3] for each in refers(found)] == [
        ("router", "adt", "returns its name"),
        ("router", "queries", "has its name in its code"),
    ]
    assert refers(found, "not_known") == []


def test_a_router(command: Command) -> None:
    found = asked(command, "router", "queries")
    assert refers(found) == [("inbound", "IB_QUERY", "has this Router", line('inbound("IB_QUERY"'))]


def test_a_code_set(command: Command) -> None:
    found = asked(command, "codeset", "wards")
    assert refers(found) == [("handler", "to_archive", "looks it up", line('code_set("wards")'))]
    assert refers(found, "not_known") == [("handler", "to_site", "looks up a name that is computed", line("BY_SITE["))]
    found = asked(command, "codeset", "diets")
    assert refers(found) == [
        ("handler", "to_lab", "uses it as DIETS", line('@handler("to_lab"')),
        ("module", str(Path("config/feed.py").absolute()), "captures it", line("DIETS =")),
    ]
    assert found["reached_from"]["inbound"] == ["IB_ADT", "IB_QUERY"]
    assert refers(asked(command, "codeset", "unused")) == []


UNREADABLE = """
looking_up = lambda msg: code_set(msg["MSH-4"]) is not None
plain = lambda msg: True
handler("to_test", accepts=looking_up)(lambda msg: Send("OB_" + msg["MSH-4"], msg))
handler("to_nobody", accepts=plain)(lambda msg: None)
"""


def test_functions_whose_source_cannot_be_read_may_mean_anything_that_they_could(command: Command) -> None:
    Path("config/feed.py").write_text(FEED + UNREADABLE)
    found = asked(command, "connection", "OB_IDLE")
    assert [each[1] for each in refers(found, "not_known")] == ["to_site", "to_test"]
    found = asked(command, "codeset", "unused")
    assert [each[1] for each in refers(found, "not_known")] == ["to_site", "to_test"]


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("connection", "OB_LAP", "there is no Connection 'OB_LAP': did you mean 'OB_LAB'?"),
        ("handler", "to_labs", "there is no Handler 'to_labs': did you mean 'to_lab'?"),
        ("router", "zzz", "there is no Router 'zzz': known are adt, queries"),
        ("codeset", "diet", "there is no code set 'diet': did you mean 'diets'?"),
    ],
)
def test_an_unknown_name(command: Command, kind: str, name: str, sentence: str) -> None:
    ran = command("impact", kind, name)
    assert (ran.code, ran.out, ran.err) == (2, "", f"Error: {sentence}\n")


def test_an_unknown_kind(command: Command) -> None:
    ran = command("impact", "conection", "OB_LAB")
    assert ran.code == 2
    assert "'connection', 'router', 'handler', 'codeset'" in ran.err
