"""Receiving systems as they are: what a lane does with each, and what becomes of the message and of the next one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.harness.mllp import frame
from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.peers import Receiver, Script, ack, answer_all, receiver, sender
from tests.acceptance.place import place_in
from tests.acceptance.sending import adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.peers import Line

INBOUND = """
inbound("IB", MLLP(port={port}), router="all")
soon = RetryPolicy(backoff_seconds=0.05, max_backoff_seconds=0.2)

@router("all")
def all(msg):
    return "to_partner"

@handler("to_partner")
def to_partner(msg):
    return Send(msg["MSH-5"], msg)
"""
OUTBOUND = 'outbound("{name}", MLLP(host="127.0.0.1", port={port}, timeout_seconds=0.5), retry=soon)\n'
LARGE = 8_000_000


def saying(*frames: bytes) -> Script:
    """Read one message, say `frames`, and acknowledge whatever else comes."""

    def script(line: Line, receiver: Receiver) -> None:
        receiver.take(line)
        line.say(b"".join(frames))
        answer_all(line, receiver)

    return script


def greeting(words: bytes) -> Script:
    """Speak first, then acknowledge every message."""

    def script(line: Line, receiver: Receiver) -> None:
        line.say(words)
        answer_all(line, receiver)

    return script


def refusing_once(line: Line, receiver: Receiver) -> None:
    line.say(ack(receiver.take(line) or "", "AE"))
    answer_all(line, receiver)


def closing_before_the_ack(line: Line, receiver: Receiver) -> None:
    receiver.take(line)


def closing_during_the_ack(line: Line, receiver: Receiver) -> None:
    line.say(ack(receiver.take(line) or "")[:20])


def resetting_during_the_ack(line: Line, receiver: Receiver) -> None:
    line.say(ack(receiver.take(line) or "")[:20])
    line.reset()


def half_closing_before_the_ack(line: Line, receiver: Receiver) -> None:
    receiver.take(line)
    line.finish()
    line.until_left()


def answering_late(line: Line, receiver: Receiver) -> None:
    control_id = receiver.take(line)
    line.until_left()
    line.say(ack(control_id or ""))


def resetting_mid_write(line: Line, receiver: Receiver) -> None:
    line.socket.recv(65_536)
    line.reset()


def closing_after_the_ack(line: Line, receiver: Receiver) -> None:
    line.say(ack(receiver.take(line) or ""))
    line.finish()
    receiver.left.set()


@dataclass(frozen=True)
class Case:
    """A partner: what its connections do, and what a message to it meets.

    `failures` are the attempts before the one that delivers, `unknown` those of them whose outcome is not known;
    `connections` are all that were made, for this message and one that follows it; `noted` is the kind of the event.
    """

    scripts: tuple[Script, ...]
    failures: int = 0
    unknown: int = 0
    connections: int = 1
    size: int = 0
    noted: str = ""

    @classmethod
    def failing_once(cls, script: Script, *, size: int = 0) -> Case:
        """The outcome of the first attempt is unknown; the second, on a new connection, delivers."""
        return cls((script, answer_all), failures=1, unknown=1, connections=2, size=size)


NAME = "1" * 30
"""A control id longer than MSA-2 was before v2.4."""

CASES = {
    "SPEAKS_FIRST": Case((greeting(b"220 welcome\r\n"),)),
    "SPEAKS_FIRST_OF_ANOTHER": Case((greeting(ack("OLD")),), noted="reply discarded"),
    "SPEAKS_FIRST_A_MESSAGE": Case.failing_once(greeting(frame(adt("THEIRS")))),
    "CLOSES_BEFORE": Case.failing_once(closing_before_the_ack),
    "CLOSES_DURING": Case.failing_once(closing_during_the_ack),
    "RESETS_DURING": Case.failing_once(resetting_during_the_ack),
    "HALF_CLOSES": Case.failing_once(half_closing_before_the_ack),
    "NEVER_ANSWERS": Case.failing_once(saying()),
    "ANSWERS_LATE": Case.failing_once(answering_late),
    "NAMES_ANOTHER": Case.failing_once(saying(ack("OTHER"))),
    "NAMES_ANOTHER_THEN_IT": Case((saying(ack("OTHER", "AR"), ack(NAME)),), noted="reply discarded"),
    "ANSWERS_TWICE": Case((saying(ack(NAME), ack(NAME)), answer_all), connections=2),
    "CA_THEN_AA": Case((saying(ack(NAME, "CA"), ack(NAME)),), noted="application acknowledgment"),
    "TRUNCATES_TO_20": Case((saying(ack(NAME[:20])),)),
    "TRUNCATES_TO_10": Case.failing_once(saying(ack(NAME[:10]))),
    "NAMES_NOTHING": Case((saying(ack("")),)),
    "ANSWERS_NO_HL7": Case.failing_once(saying(frame(b"OK"))),
    "ANSWERS_NO_MSA": Case.failing_once(saying(frame(adt(NAME)))),
    "RESETS_MID_WRITE": Case.failing_once(resetting_mid_write, size=LARGE),
    "CLOSES_AFTER": Case((closing_after_the_ack, answer_all), connections=2),
    "REFUSES_FOR_NOW": Case((refusing_once,), failures=1),
}
ALSO = ("HOT", "MISMATCHES", "REFUSES")


@dataclass(frozen=True)
class Site:
    """An engine that delivers, and the ports of the partners that it delivers to."""

    port: int
    engine: EngineProcess
    receivers: dict[str, Receiver]
    free_port: int
    """Where the partner RESTARTS is, when it is."""

    def send(self, partner: str, control_id: str, *, size: int = 0) -> None:
        content = adt(control_id).replace(b"|C|", b"|%b|" % partner.encode()) + b"OBX|1|TX|1||%b\r" % (b"x" * size)
        with sender(self.port) as line:
            line.say(frame(content))
            assert line.answer() == ("AA", control_id)

    def message(self, partner: str, control_id: str) -> dict[str, Any]:
        """A message to a partner: its row, trail and work."""
        for each in self.engine.page(f"/messages?control_id={control_id}&limit=100")["messages"]:
            found: dict[str, Any] = self.engine.page(f"/messages/{each['id']}")
            if any(work["lane"] == partner for work in found["work"]):
                return found
        return {"message": {"disposition": ""}, "trail": []}

    def settled(self, partner: str, control_id: str, disposition: str = "PROCESSED") -> list[dict[str, Any]]:
        """Wait for the end of a message; what its trail says of the partner."""

        def done() -> bool:
            return bool(self.message(partner, control_id)["message"]["disposition"] == disposition)

        until(done, f"{control_id} is {disposition} at {partner}")
        return [event for event in self.message(partner, control_id)["trail"] if event["connection"] == partner]

    def kinds(self, partner: str) -> list[str]:
        return [event["kind"] for event in self.engine.page(f"/connections/{partner}/events")["events"]]

    def lane(self, partner: str) -> dict[str, Any]:
        connections = self.engine.page("/connections")["connections"]
        (found,) = [each for each in connections if each["name"] == partner]
        return dict(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = place_in(tmp_path_factory.mktemp("receiving"))
    with ExitStack() as stack:
        scripts = {name: case.scripts for name, case in CASES.items()} | dict.fromkeys(ALSO, (answer_all,))
        receivers = {name: stack.enter_context(receiver(*each)) for name, each in scripts.items()}
        (free_port,) = free_ports(1)
        ports = {name: each.port for name, each in receivers.items()} | {"RESTARTS": free_port}
        outbounds = [OUTBOUND.format(name=name, port=port) for name, port in ports.items()]
        place.configure(INBOUND + "".join(outbounds))
        with EngineProcess(place).ready() as engine:
            yield Site(place.port, engine, receivers, free_port)
            assert engine.stop() == 0, engine.output
            assert "Traceback" not in engine.output


def unknown(trail: list[dict[str, Any]]) -> int:
    """How many attempts had an unknown outcome."""
    return sum(event["detail"].get("outcome") == "unknown" for event in trail)


@pytest.mark.parametrize("name", CASES)
def test_a_partner_gets_the_message_and_the_next_one(site: Site, name: str) -> None:
    case, partner = CASES[name], site.receivers[name]
    site.send(name, NAME, size=case.size)
    trail = site.settled(name, NAME)
    assert [event["kind"] for event in trail] == ["retry"] * case.failures + ["delivered"]
    assert unknown(trail) == case.unknown
    if partner.scripts[0] is closing_after_the_ack:
        assert partner.left.wait(5)
    site.send(name, "NEXT")
    assert [event["kind"] for event in site.settled(name, "NEXT")] == ["delivered"]
    assert partner.received[-1] == "NEXT"
    assert partner.received.count("NEXT") == 1
    assert partner.connections == case.connections
    assert case.noted in ("", *site.kinds(name))


def test_three_replies_to_other_messages_stop_the_lane(site: Site) -> None:
    partner = site.receivers["MISMATCHES"]
    partner.scripts = (saying(ack("A"), ack("B"), ack("C")),)
    site.send("MISMATCHES", NAME)
    until(lambda: site.lane("MISMATCHES")["state"] == "failed", "the lane stops")
    assert "3 replies in a row" in site.lane("MISMATCHES")["reason"]
    assert site.message("MISMATCHES", NAME)["message"]["disposition"] == "ROUTED", "its message is kept"


def test_a_refusal_for_good_is_a_dead_letter_at_once(site: Site) -> None:
    partner = site.receivers["REFUSES"]
    partner.scripts = (saying(ack(NAME, "AR")),)
    site.send("REFUSES", NAME)
    (event,) = site.settled("REFUSES", NAME, "ERROR")
    assert event["detail"]["msa_1"] == "AR"
    site.send("REFUSES", "NEXT")
    site.settled("REFUSES", "NEXT")


def test_a_partner_that_accepts_and_closes_at_once_is_tried_with_back_off(site: Site) -> None:
    partner = site.receivers["HOT"]
    partner.scripts = (leaving,)
    site.send("HOT", NAME)
    until(lambda: partner.connections >= 8, "it is tried again and again")
    trail = site.message("HOT", NAME)["trail"]
    partner.scripts = (answer_all,)
    trail = site.settled("HOT", NAME)
    attempts = [event for event in trail if event["kind"] == "retry"]
    assert partner.received == [NAME]
    # An attempt may open two connections: when the first is gone before it took a byte, nothing was sent.
    assert partner.connections <= 2 * (len(attempts) + 1)
    assert seconds(attempts[0], attempts[-1]) >= 0.05 + 0.1 + 0.2 * (len(attempts) - 3)


def leaving(line: Line, receiver: Receiver) -> None:
    """Close before anything is read."""


def seconds(first: dict[str, Any], last: dict[str, Any]) -> float:
    """How long after one event of a trail came another."""
    return (datetime.fromisoformat(last["at"]) - datetime.fromisoformat(first["at"])).total_seconds()


def test_a_partner_that_restarts_between_messages_costs_no_attempt(site: Site) -> None:
    for number in range(3):
        with receiver(answer_all, port=site.free_port) as partner:
            site.send("RESTARTS", f"R{number}")
            trail = site.settled("RESTARTS", f"R{number}")
        assert [event["kind"] for event in trail] == ["delivered"]
        assert partner.received == [f"R{number}"]
