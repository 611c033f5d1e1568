from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.replay_runs import next_second
from messagefoundry.contracts.units import HandOff, ReceiveBatch, Replay, ReplayDead, Resend
from messagefoundry.pipeline.transform import Outcome, transform
from messagefoundry.wiring.environment import active_environment
from messagefoundry_sqlite.factory import SQLITE
from tests.docs.blocks import blocks_of
from tests.docs.walk import Walk
from tests.stores.feed import Feed, dead, delivered, receive, refuse
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph
    from tests.cli.running import Command, Ran

FEED = """
from messagefoundry import MLLP, File, Send, current_environment, handler, inbound, outbound, router

inbound("IB_ADT", MLLP(port=2601), router="all")
inbound("IB_JSON", File(directory="in"), router="json", content_type="json")
outbound("OB_A", File(directory="a"))
outbound("OB_B", File(directory="b"))


@router("all")
def everything(msg):
    return ["edit"] if msg["MSH-9.1"] == "ADT" else None


@router("json")
def as_it_is(msg):
    return ["copy"]


@handler("edit")
def edit(msg):
    if msg["PID-8"] == "X":
        return None
    if msg["PID-8"] == "Y":
        raise ValueError(msg["PID-5.1"])
    original = msg.copy()
    msg["MSH-6"] = current_environment() or "none"
    msg["PID-5.2"] = "FORMER"
    return [Send("OB_A", msg), Send("OB_B", original)]


@handler("copy")
def copy(msg):
    return Send("OB_A", msg.text())
"""
MESSAGE = "MSH|^~\\&|A|B|C|D|20250101||{}|{}|T|2.5.1\rPID|1||1||TESTWELL^ADA|||{}\r"


def adt(control_id: str = "ONE", sex: str = "F", kind: str = "ADT^A01") -> bytes:
    return MESSAGE.format(kind, control_id, sex).encode()


class Place:
    """A folder with a configuration, a store in which it has worked, and a candidate."""

    def __init__(self, folder: Path, command: Command) -> None:
        self.folder = folder
        self.command = command
        self.write("config")
        (folder / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n[store]\npath = "store.db"\n')
        self.feed = Feed(folder)
        self.feed.last = 1_000_000

    def write(self, name: str, *edits: tuple[str, str]) -> None:
        """A configuration: the feed with some of its text replaced."""
        text = FEED
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        (self.folder / name / "feed.py").write_text(text)

    def graph(self, name: str = "config") -> Graph:
        return Configured(Call(config=self.folder / name, env="dev")).graph_for_rehearsal()

    def lived(self, *raws: bytes, inbound: str = "IB_ADT", deliver: bool = True) -> list[HandOff]:
        """The messages came, were handed off and delivered by the configuration as it is."""
        return [self.handed_off(self.received(raw, inbound), raw, inbound, deliver=deliver) for raw in raws]

    def received(self, raw: bytes, inbound: str = "IB_ADT") -> int:
        unit = receive(inbound, raw)
        header = raw.split(b"|")
        unit.message_type, unit.control_id = header[8].decode(), header[9].decode()
        return self.feed.one(unit).id

    def handed_off(self, number: int, raw: bytes, inbound: str = "IB_ADT", *, deliver: bool = True) -> HandOff:
        made = self.made(raw, inbound)
        for each in made.passed:
            each.parent_id = number
        unit = HandOff(number, inbound, made.routing, made.outgoing, made.failed, made.detail, 20, passed=made.passed)
        self.feed.commit(unit)
        if deliver and made.outgoing:
            self.feed.commit(*[delivered(each.id, number, each.lane) for each in made.outgoing])
        return unit

    def made(self, raw: bytes, inbound: str = "IB_ADT") -> Outcome:
        """What the configuration, as it is, makes of a message."""
        graph = self.graph()
        with active_environment(graph.environment):
            return transform(graph, graph.inbounds[inbound], raw, "utf-8")

    def ran(self, *arguments: object) -> Ran:
        return self.command("replay-diff", *arguments)

    def facts(self, *arguments: object) -> dict[str, Any]:
        ran = self.ran("--json", *arguments)
        found: dict[str, Any] = json.loads(ran.out)
        assert ran.code == (1 if found["summary"]["changed"] else 0), ran.err
        return found

    def kinds(self, *arguments: object) -> list[tuple[str | None, str | None, str, int]]:
        found = self.facts(*arguments)["kinds"]
        return [(each["to"], each["path"], each["change"], each["messages"]) for each in found]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("messagefoundry.cli.replay_runs.next_second", lambda moment: moment)
    found = Place(tmp_path, command)
    with closing(found.feed):
        yield found


NAME = ('msg["PID-5.2"] = "FORMER"', 'msg["PID-5.2"] = "LATTER"')
ONE_LESS = ('Send("OB_A", msg), Send("OB_B", original)', 'Send("OB_A", msg)')
FAILS = ('"Y"', '"F"')
SENDS = ('"X"', '"-"')


# -- what is found ---------------------------------------------------------------------------------------------------


def test_nothing_changes_where_nothing_was_changed(place: Place) -> None:
    place.lived(adt(), adt(sex="X"), adt(sex="Y"), adt(kind="ORU^R01"))
    ran = place.ran()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "4 messages through config, compared with what was made of them then",
        "         4 unchanged",
        "         0 changed",
    ]


def test_a_field_is_named_and_its_values_are_not(place: Place) -> None:
    place.lived(adt("ONE"), adt("TWO"))
    place.write("candidate", NAME)
    ran = place.ran("--config", "candidate")
    assert ran.code == 1
    assert "         2 changed\n" in ran.out
    assert re.search(r"^ +2 +2 +OB_A +PID-5\.2 changed$", ran.out, re.M)
    assert "    edit -> OB_A: changed\n        PID-5.2 changed\n" in ran.out
    assert "ORMER" not in ran.out + ran.err
    assert "ATTER" not in ran.out + ran.err
    shown = place.ran("--config", "candidate", "--show-phi").out
    assert "        PID-5.2 changed: 'FORMER' -> 'LATTER'\n" in shown


def test_programs_get_the_same(place: Place) -> None:
    (one,) = place.lived(adt())
    place.write("candidate", NAME)
    found = place.facts("--config", "candidate")
    assert found["summary"]["changed"] == 1
    assert found["kinds"] == [
        {
            "to": "OB_A",
            "path": "PID-5.2",
            "change": "changed",
            "messages": 1,
            "times": 1,
            "differs_between_runs": 0,
            "examples": [str(one.message_id)],
        }
    ]
    (message,) = found["messages"]
    assert (message["id"], message["before"], message["after"]) == (one.message_id, "PROCESSED", "PROCESSED")
    (output,) = message["outputs"]
    assert output["changes"] == [{"path": "PID-5.2", "change": "changed"}]
    (shown,) = place.facts("--config", "candidate", "--show-phi")["messages"]
    assert shown["outputs"][0]["changes"][0]["after"] == "LATTER"


def test_destinations_and_dispositions(place: Place) -> None:
    place.lived(adt("ONE"), adt("TWO", sex="X"), adt("THREE", kind="ORU^R01"))
    place.write("candidate", ONE_LESS, SENDS, ('== "ADT" else None', '== "ADT" else ["edit"]'))
    found = place.facts("--config", "candidate")
    assert place.kinds("--config", "candidate") == [
        (None, None, "FILTERED -> PROCESSED", 1),
        (None, None, "UNROUTED -> PROCESSED", 1),
        ("OB_A", None, "now sent", 2),
        ("OB_B", None, "no longer sent", 1),
    ]
    summary = found["summary"]
    assert (summary["now_sent"], summary["now_failing"], summary["nothing_sent"]) == (2, 0, 0)


def test_a_handler_that_raises_is_named_with_its_line_and_never_quoted(place: Place) -> None:
    place.lived(adt("ONE", sex="F"), adt("TWO", sex="Y"))
    place.write("candidate", FAILS)
    ran = place.ran("--config", "candidate", "--show-phi")
    assert ran.code == 1
    assert "         1   now fail\n" in ran.out
    assert "         1   now send something\n" in ran.out
    line = next(number for number, text in enumerate(FEED.splitlines(), 1) if "raise" in text)
    assert f"ValueError at feed.py:{line} in handler edit" in ran.out
    assert "TESTWELL" not in ran.out + ran.err


def test_what_intake_would_refuse_and_inbounds_that_are_gone(place: Place) -> None:
    place.lived(adt())
    place.write("strict", ('router="all")', 'router="all", max_message_bytes=20)'))
    place.write("without", ('inbound("IB_ADT", MLLP(port=2601)', 'inbound("IB_NEW", MLLP(port=2601)'))
    strict = [what for _, _, what, _ in place.kinds("--config", "strict")]
    assert "refused on receipt: longer than max_message_bytes (20)" in strict
    place.write("schema", ('router="all")', 'router="all", strict=True)'))
    assert any(what.startswith("refused on receipt: ") for _, _, what, _ in place.kinds("--config", "schema"))
    assert (None, None, "PROCESSED -> no such inbound", 1) in place.kinds("--config", "without")
    assert place.ran("--config", "without", "--inbound", "IB_NEW").code == 0


def test_other_content_than_hl7_says_where_it_parts(place: Place) -> None:
    body = b'{"a": 1,\n "b": 2}'
    unit = receive("IB_JSON", body)
    unit.content_type, unit.message_type, unit.control_id = "json", "", ""
    place.handed_off(place.feed.one(unit).id, body, "IB_JSON")
    place.write("candidate", ('Send("OB_A", msg.text())', 'Send("OB_A", msg.text().replace("2", "3"))'))
    assert place.ran().code == 0
    assert "line 2, byte 16 content differs\n" in place.ran("--config", "candidate", "--show-phi").out


def test_environments_are_those_of_the_settings(place: Place) -> None:
    place.lived(adt())
    assert place.ran().code == 0
    assert place.kinds("--env", "prod") == [("OB_A", "MSH-6", "changed", 1)]


@pytest.mark.parametrize("what", ["uuid.uuid4().hex", 'time.strftime("%Y%m%d%H%M%S")'])
def test_a_handler_that_is_not_pure_is_found_out(place: Place, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messagefoundry.cli.replay_runs.next_second", next_second)
    place.lived(adt("ONE"), adt("TWO"))
    place.write(
        "candidate",
        NAME,
        ("\nfrom", "\nimport time, uuid\nfrom"),
        ("original = ", f'msg["MSH-7"] = {what}\n    original = '),
    )
    found = place.facts("--config", "candidate")
    chance = {(each["to"], each["path"]): each["differs_between_runs"] for each in found["kinds"]}
    assert chance == {("OB_A", "MSH-7"): 2, ("OB_B", "MSH-7"): 2, ("OB_A", "PID-5.2"): 0}
    ran = place.ran("--config", "candidate")
    assert "MSH-7 to OB_A differs between two runs of the candidate (2 messages): make its Handler pure" in ran.out
    assert place.kinds("--config", "candidate", "--ignore", "MSH-7") == [("OB_A", "PID-5.2", "changed", 2)]


def test_two_ignored_places_may_leave_nothing(place: Place) -> None:
    place.lived(adt())
    place.write("candidate", NAME)
    assert place.ran("--config", "candidate", "--env", "prod", "--ignore", "PID-5.2", "--ignore", "MSH").code == 0


# -- what became of a message ------------------------------------------------------------------------------------------


def test_the_last_run_counts(place: Place) -> None:
    (first,) = place.lived(adt())
    place.write("config", NAME)
    place.feed.commit(Replay([first.message_id], "ada", 40))
    place.handed_off(first.message_id, adt())
    assert place.ran().code == 0
    place.write("candidate")
    assert place.kinds("--config", "candidate") == [("OB_A", "PID-5.2", "changed", 1)]


PASSES = (
    ('inbound("IB_JSON"', 'inbound("IB_ON", PassThrough(), router="json")\ninbound("IB_JSON"'),
    ("import MLLP,", "import MLLP, PassThrough,"),
    ('Send("OB_B", original)', 'Send("IB_ON", original)'),
)


def test_what_is_passed_on_is_an_output(place: Place) -> None:
    place.write("config", *PASSES)
    (first,) = place.lived(adt())
    place.feed.commit(Replay([first.message_id], "ada", 40))
    place.handed_off(first.message_id, adt())
    assert place.facts("--connection", "IB_ADT")["summary"]["changed"] == 0
    edit = ('msg["PID-5.2"] = "FORMER"', 'msg["PID-5.2"] = "FORMER"\n    original["PID-8"] = "O"')
    place.write("candidate", *PASSES, edit)
    found = place.kinds("--config", "candidate", "--connection", "IB_ADT")
    assert found == [("IB_ON", "PID-8", "changed", 1)]
    place.write("candidate", *PASSES, (', Send("IB_ON", original)', ""))
    found = place.kinds("--config", "candidate", "--connection", "IB_ADT")
    assert found == [("IB_ON", None, "no longer sent", 1)]


def test_a_run_that_came_to_nothing_counts_too(place: Place) -> None:
    place.write("config", ONE_LESS)
    (first,) = place.lived(adt())
    place.write("config", ONE_LESS, ('== "X"', '== "F"'))
    place.feed.commit(Replay([first.message_id], "ada", 40))
    place.handed_off(first.message_id, adt())
    assert place.ran().code == 0


def test_what_was_resent_or_replayed_from_its_lane_is_no_other_output(place: Place) -> None:
    (sent,) = place.lived(adt())
    place.feed.commit(Resend([sent.message_id], "ada", 40, to="OB_A"))
    place.feed.commit(Resend([sent.message_id], "ada", 41, to="OB_ELSE"))
    assert place.ran().code == 0
    (waits,) = place.lived(adt("TWO"), deliver=False)
    place.feed.commit(*[dead(each.id, waits.message_id, each.lane) for each in waits.outgoing])
    assert place.ran().code == 0
    place.feed.commit(ReplayDead([each.id for each in waits.outgoing], "ada", 42))
    assert place.ran().code == 0


def test_a_handler_that_was_run_again_alone_adds_to_the_run(place: Place) -> None:
    raw = adt(sex="Y")
    (failed,) = place.lived(raw)
    assert place.ran().code == 0
    replay = ReplayDead([failed.failed[0].id], "ada", 40)
    place.feed.commit(replay)
    assert place.facts()["summary"]["not_compared"] == {"not routed yet: nothing to compare with": 1}
    place.write("config", ('"Y"', '"-"'))
    made = place.made(raw)
    place.feed.commit(HandOff(failed.message_id, "IB_ADT", made.routing, made.outgoing, [], "", 50, replay.ids[0]))
    assert place.ran().code == 0


def test_what_cannot_be_compared_is_counted(place: Place) -> None:
    place.received(adt("ONE"))
    (two,) = place.lived(adt("TWO"))
    place.lived(adt("THREE"))
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute("DELETE FROM body WHERE id = ?", (two.outgoing[0].id,))
    ran = place.ran()
    assert ran.code == 0
    assert "         1 unchanged\n" in ran.out
    assert "         1 not compared: not routed yet: nothing to compare with\n" in ran.out
    assert "         1 not compared: what was received, or what was sent, is not in the store any more\n" in ran.out


def test_refused_messages_stay_refused(place: Place) -> None:
    place.feed.commit(refuse("IB_ADT", b"PID|1||TESTWELL\r"))
    assert place.ran().code == 0
    place.feed.commit(refuse("IB_ADT", adt(), digest=b"e"))
    assert place.facts()["summary"]["now_sent"] == 1


def test_a_batch_is_compared_message_by_message(place: Place) -> None:
    members = [adt("ONE"), adt("TWO")]
    units = [receive("IB_ADT", raw) for raw in members]
    place.feed.commit(ReceiveBatch(receive("IB_ADT", b"BHS|^~\\&\r" + b"".join(members) + b"BTS|2\r"), units))
    for unit in units:
        place.handed_off(unit.id, unit.raw)
    assert place.ran().code == 0
    assert place.facts()["summary"]["messages"] == 2


# -- which messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ((), 4),
        (("--limit", 2), 2),
        (("--type", "ORU"), 1),
        (("--connection", "IB_ADT"), 4),
        (("--disposition", "filtered"), 1),
        (("--until", "1970-01-02"), 4),
    ],
)
def test_messages_are_selected(place: Place, options: tuple[object, ...], count: int) -> None:
    place.lived(adt("ONE"), adt("TWO", "X"), adt("THREE", kind="ORU^R01"), adt("FOUR"))
    assert place.facts(*options)["summary"]["messages"] == count


def test_pages_are_read_to_the_limit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messagefoundry.cli.replay_cases.PAGE", 2)
    handed = place.lived(*[adt(f"M{number}") for number in range(5)])
    place.write("candidate", NAME)
    found = place.facts("--config", "candidate", "--limit", 3)["messages"]
    assert [each["id"] for each in found] == [each.message_id for each in handed[:1:-1]]
    assert place.facts("--config", "candidate")["summary"]["changed"] == 5


def test_a_store_is_read_beside_its_engine(place: Place) -> None:
    hold = SQLITE.hold(place.feed.location)
    place.lived(adt())
    assert place.ran().code == 0
    hold.release()


def test_two_configurations_are_compared_over_files(place: Place) -> None:
    place.write("candidate", NAME)
    (place.folder / "sets" / "ib_adt").mkdir(parents=True)
    (place.folder / "sets" / "ib_adt" / "two.hl7").write_bytes(adt("ONE") + adt("TWO", "X"))
    ran = place.ran("sets", "--config", "candidate", "--against", "config", "--examples", "1")
    assert ran.out.startswith("2 messages through candidate, compared with what config makes of them\n")
    assert "sets/ib_adt/two.hl7#1  IB_ADT ADT^A01 ONE\n    edit -> OB_A: changed\n" in ran.out
    assert place.ran("sets", "--against", "config").code == 0


def test_two_configurations_are_compared_over_the_store(place: Place) -> None:
    place.received(adt())
    place.write("candidate", NAME)
    assert place.kinds("--config", "candidate", "--against", "config") == [("OB_A", "PID-5.2", "changed", 1)]


def test_every_kind_of_change_has_its_example(place: Place) -> None:
    place.lived(adt("RARE", kind="ADT^A08"), *[adt(f"M{number}") for number in range(3)])
    place.write("candidate", NAME, ("original = ", 'if msg["MSH-9.2"] == "A08":\n        return None\n    original = '))
    found = place.facts("--config", "candidate", "--examples", 1)
    assert [each["control_id"] for each in found["messages"]] == ["M2", "RARE"]
    assert found["messages_left_out"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--connection", "IB_ADTT"), "no Connection is named 'IB_ADTT': did you mean 'IB_ADT'?"),
        (("--connection", "OB_A"), "OB_A is an outbound: messages are selected by inbound"),
        (("--type", "SIU"), "no message of the store is selected, so nothing was compared"),
        (("--inbound", "IB_ADTT"), "there is no inbound 'IB_ADTT': did you mean 'IB_ADT'?"),
        (("one.hl7",), "messages of files have no history: say with --against DIR what to compare with"),
        (("one.hl7", "--against", "config", "--type", "ADT"), "select from the store: give them, or files"),
        (("none.hl7", "--against", "config"), "none.hl7: there is no such file or folder"),
        (("--ignore", "PID.5"), "'PID.5' names no place: write SEG"),
        (("--html", "none/page.html"), "its folder does not exist"),
        (("--html", "config"), "config: is a folder"),
        (("--config", "none"), "does not exist"),
        (("--against", "none"), "does not exist"),
        (("--since", "1h", "--until", "2h"), "--until is not after --since"),
        (("--db", "none.db"), "there is no store at"),
    ],
)
def test_mistakes_of_the_call(place: Place, arguments: tuple[str, ...], sentence: str) -> None:
    place.lived(adt())
    (place.folder / "one.hl7").write_bytes(adt())
    ran = place.ran(*arguments)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.out == ""


# -- the page ----------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Reads a page: its text, what it refers to, and whether every element is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = ""
        self.references: list[str] = []
        self.ids: set[str] = set()
        self.names: list[str] = []
        self.open: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("href", "src", "action", "style")]
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data


def test_the_page_is_for_its_owner_and_needs_nothing_else(place: Place) -> None:
    place.lived(adt("ONE"), adt("TWO"))
    place.write("candidate", NAME)
    page = place.folder / "page.html"
    page.write_text("what was there")
    page.chmod(0o644)
    assert place.ran("--config", "candidate", "--html", page).code == 1
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    read = Page(page)
    assert "2 of 2 messages would change" in read.text
    assert "PID-5.2 changed" in read.text
    assert all(each.startswith("#") and each[1:] in read.ids for each in read.references)
    assert "ATTER" not in page.read_text()
    assert "default-src 'none'" in page.read_text().replace("&#x27;", "'")
    assert [path.name for path in place.folder.glob(".page*")] == []


def test_the_page_shows_values_when_they_may_be_seen_and_none_is_markup(place: Place) -> None:
    evil = '</td><script>alert(1)</script>\\u202e"&amp;\u202e'
    place.lived(adt("<b>ID</b>"))
    place.write("candidate", ('"FORMER"', repr(evil)))
    page = place.folder / "page.html"
    assert place.ran("--config", "candidate", "--html", page, "--show-phi").code == 1
    read = Page(page)
    assert read.names.count("script") == 1
    assert "b" not in read.names
    assert "</td><script>alert(1)</script>" in read.text
    assert "<b>ID</b>" in read.text
    assert "\u202e" not in page.read_text()
    assert "patient data" in read.text


def test_the_page_says_when_nothing_changes(place: Place) -> None:
    place.lived(adt())
    page = place.folder / "page.html"
    assert place.ran("--html", page, "--json").code == 0
    read = Page(page)
    assert read.text.count("Nothing changes") == 2
    assert "table" not in read.names


def test_a_page_that_cannot_be_written_is_said(place: Place) -> None:
    place.lived(adt())
    ran = place.ran("--html", f"{'x' * 300}.html")
    assert ran.code == 1
    assert "File name too long" in ran.err


# -- the documentation -------------------------------------------------------------------------------------------------


def test_the_page_of_the_documentation_works_word_for_word(tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        walk.follow(blocks_of(ROOT / "docs" / "replay-diff.md"))
        assert "PV1-3.4 changed" in (walk.here / "change.html").read_text()
        walk.stop()
