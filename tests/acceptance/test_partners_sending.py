"""Sending systems as they are: what each is answered by a running engine, and what becomes of its messages."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.harness.mllp import frame
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import Partner, partner
from tests.acceptance.peers import Answer, sender
from tests.acceptance.place import place_in
from tests.acceptance.sending import adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

FEED = """
inbound("IB", MLLP(port={port}, receive_timeout=1, max_frame_bytes=20_000), router="all")
outbound("OB", MLLP(host="127.0.0.1", port={partner}))

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""
AA, AE, AR = "AA", "AE", "AR"


@dataclass(frozen=True)
class Site:
    """An engine that receives, and the partner that it delivers to."""

    port: int
    engine: EngineProcess
    downstream: Partner

    def stored(self, control_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.engine.page(f"/messages?control_id={control_id}")["messages"]
        return found

    def disposition(self, control_id: str) -> str:
        """The disposition of a message that is stored once; "" when it is not stored."""
        found = self.stored(control_id)
        assert len(found) <= 1
        return "".join(str(each["disposition"]) for each in found)

    def delivered(self, control_id: str) -> None:
        """Wait until a message is delivered."""
        until(lambda: self.disposition(control_id) == "PROCESSED", f"{control_id} is delivered")
        assert control_id in self.downstream.arrivals.first_ns

    def noted(self, kind: str) -> str:
        """What the first event of a kind says, once it is there."""
        until(lambda: self._events(kind), f"{kind!r} is noted")
        return self._events(kind)[0]

    def _events(self, kind: str) -> list[str]:
        events = self.engine.page("/connections/IB/events")["events"]
        return [str(event["detail"]) for event in events if event["kind"] == kind]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = place_in(tmp_path_factory.mktemp("sending"))
    with partner() as downstream:
        place.configure(FEED, partner=downstream.port)
        with EngineProcess(place).ready() as engine:
            yield Site(place.port, engine, downstream)
            assert engine.stop() == 0, engine.output
            assert "Traceback" not in engine.output


def framed(*control_ids: str) -> bytes:
    return b"".join(frame(adt(control_id)) for control_id in control_ids)


def one_by_one(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[place : place + 1] for place in range(len(data)))


def answered(code: str, *control_ids: str) -> list[Answer | None]:
    return [(code, control_id) for control_id in control_ids]


MANY = [f"MANY{number}" for number in range(500)]


@dataclass(frozen=True)
class Case:
    """What a sender sends, in pieces, and what it is answered."""

    pieces: tuple[bytes, ...]
    answers: list[Answer | None]
    accepted: tuple[str, ...] = ()
    """MSH-10 of what is ours from then on."""
    absent: tuple[str, ...] = field(default=())
    """MSH-10 of what is not stored."""


CASES = {
    "one byte at a time": Case(one_by_one(framed("DRIP")), answered(AA, "DRIP"), ("DRIP",)),
    "500 frames in one packet": Case((framed(*MANY),), answered(AA, *MANY), (MANY[0], MANY[499])),
    "NUL between frames": Case(
        (b"\0\0" + framed("NUL1") + b"\0" + framed("NUL2"),), answered(AA, "NUL1", "NUL2"), ("NUL1", "NUL2")
    ),
    "noise between frames": Case(
        (b"HELO\r\n\xff\x1c\r" + framed("NOISE1") + b"\r\n \x1c" + framed("NOISE2"),),
        answered(AA, "NOISE1", "NOISE2"),
        ("NOISE1", "NOISE2"),
    ),
    "two VT before a message": Case((b"\x0b" + framed("TWICEVT"),), answered(AA, "TWICEVT"), ("TWICEVT",)),
    "no CR after FS": Case(
        (framed("NOCR1")[:-1] + framed("NOCR2")[:-1],), answered(AA, "NOCR1", "NOCR2"), ("NOCR1", "NOCR2")
    ),
    "no FS, and the next frame follows": Case(
        (b"\x0b" + adt("NOFS1") + framed("NOFS2"),), answered(AE, "NOFS1"), absent=("NOFS2",)
    ),
    "no FS inside a segment, and the next frame follows": Case(
        (b"\x0b" + adt("NOFS3")[:-1] + framed("NOFS4"),), answered(AE, "NOFS3"), absent=("NOFS4",)
    ),
    "LF-only segments": Case((frame(adt("LF").replace(b"\r", b"\n")),), answered(AA, "LF"), ("LF",)),
    "CRLF segments": Case((frame(adt("CRLF").replace(b"\r", b"\r\n")),), answered(AA, "CRLF"), ("CRLF",)),
    "an empty frame": Case((frame(b""),), answered(AR, "")),
    "something that is not HL7": Case((frame(b"hello"),), answered(AR, "")),
    "no MSH-9": Case((frame(adt("NOTYPE").replace(b"ADT^A01", b"")),), answered(AA, "NOTYPE"), ("NOTYPE",)),
    "no MSH-10": Case((frame(adt("")),), answered(AA, "")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_sender_is_answered_and_the_connection_stays(site: Site, case: Case) -> None:
    with sender(site.port) as line:
        line.say(*case.pieces)
        assert line.answers(len(case.answers)) == case.answers
        line.say(framed("AFTER"))
        assert line.answer() == (AA, "AFTER")
    for control_id in case.accepted:
        site.delivered(control_id)
    assert [control_id for control_id in case.absent if site.stored(control_id)] == []


def test_no_fs_is_waited_for_until_receive_timeout_and_nothing_accepted(site: Site) -> None:
    with sender(site.port) as line:
        line.say(b"\x0b" + adt("UNENDED"))
        assert line.answer() is None
    assert site.stored("UNENDED") == []
    assert "longer than 1 s" in site.noted("peer too slow")


def test_a_peer_that_closes_inside_a_frame_leaves_nothing(site: Site) -> None:
    with sender(site.port) as line:
        line.say(b"\x0b" + adt("CUT"))
        line.finish()
        assert line.answer() is None
    assert site.stored("CUT") == []
    assert "was not accepted" in site.noted("frame cut")


def test_a_half_closed_peer_still_gets_its_acks(site: Site) -> None:
    with sender(site.port) as line:
        line.say(framed("HALF1", "HALF2"))
        line.finish()
        assert line.answers(3) == [(AA, "HALF1"), (AA, "HALF2"), None]


@pytest.mark.parametrize("broken_off", [False, True], ids=["closes", "resets"])
def test_a_peer_that_leaves_before_its_ack_is_stored_once_or_not_at_all(site: Site, broken_off: bool) -> None:
    control_id = f"GONE{broken_off:d}"
    with sender(site.port) as line:
        line.say(framed(control_id))
        if broken_off:
            line.reset()
    with sender(site.port) as line:
        line.say(framed("NEXT"))
        assert line.answer() == (AA, "NEXT"), "others do not notice"
    assert site.disposition(control_id) in ("", "RECEIVED", "ROUTED", "PROCESSED")
    if not broken_off:
        site.delivered(control_id)  # what came whole is ours, whether or not the ACK was read


def test_an_oversize_frame_is_answered_from_its_header_and_the_connection_closed(site: Site) -> None:
    with sender(site.port) as line:
        line.say(frame(adt("BIG") + b"x" * 2_000_000))
        assert line.answers(2) == [(AE, "BIG"), None]
    assert site.disposition("BIG") == "ERROR"
    assert "BIG" not in site.downstream.arrivals.first_ns


def test_a_character_set_that_does_not_fit_is_named_to_the_operator(site: Site) -> None:
    with sender(site.port) as line:
        line.say(frame(adt("LATIN") + b"PID|1||M\xfcller\r"))
        assert line.answer() == (AE, "LATIN")
    detail = site.noted("not in its character set")
    assert "not utf-8" in detail
    assert "encoding=" in detail
    assert "ller" not in detail
    assert f"IB: not in its character set: {detail}" in site.engine.output


@contextmanager
def many_senders(port: int, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(sender(port))
        yield


def test_a_peer_beyond_max_connections_is_closed_and_leaves_the_others_alone(site: Site) -> None:
    with sender(site.port) as first, many_senders(site.port, 255), sender(site.port) as beyond:
        assert beyond.answer() is None
        first.say(framed("FIRST"))
        assert first.answer() == (AA, "FIRST")
    assert "max_connections = 256" in site.noted("peer refused")


def test_a_busy_port_is_named_with_its_mend(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = place_in(tmp_path_factory.mktemp("busy"))
    other.configure(FEED.replace("{port}", str(site.port)), partner=1)
    with EngineProcess(other).ready() as engine:
        until(lambda: "restarting" in engine.output, "the Connection waits for its port")
        (line,) = [line for line in engine.output.splitlines() if "restarting" in line]
        assert f"127.0.0.1:{site.port}" in line
        assert "another port" in line
        assert engine.stop() == 0, engine.output
