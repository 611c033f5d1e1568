"""The situation in which all that an engine may keep is at stake: state, labels, repeats, batches, hops, replies.

One Handler numbers all messages and sends each to a partner, in a batch to another, and on to an inbound of the engine,
whose own Handler asks a third partner, whose reply comes back as a message. In the end the numbers have no gap and no
double, and every message has led to one of each.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.harness.mllp import Frames, frame, read_acknowledgment
from tests.acceptance.sending import adt
from tests.acceptance.torture_stores import rows_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tests.acceptance.engine_process import EngineProcess
    from tests.acceptance.torture_world import World

LANES = ("OB_MLLP", "OB_BATCH", "OB_NEXT")
ANSWER_SECONDS = 10

MODULE = """
from messagefoundry import BatchConfig, Dedupe, FileRef, Loopback, PassThrough, Reference
from messagefoundry import SetMeta, SetState, reference, response_get, state_get

inbound("IB", MLLP(port={{port}}), router="first", dedupe=Dedupe(window_seconds=86400))
inbound("IB_NEXT", PassThrough(), router="next")
inbound("IB_REPLY", Loopback(), router="reply")
Reference("places", source=FileRef(path="{places}"), refresh_seconds=1)
soon = RetryPolicy(backoff_seconds=0.03, max_backoff_seconds=0.1)
outbound("OB_MLLP", MLLP(host="127.0.0.1", port={OB_MLLP}), retry=soon)
outbound(
    "OB_BATCH",
    MLLP(host="127.0.0.1", port={OB_BATCH}),
    retry=soon,
    batch=BatchConfig(max_count=10, max_wait_ms=20),
)
outbound(
    "OB_NEXT",
    MLLP(host="127.0.0.1", port={OB_NEXT}, capture_response=True, reingress_to="IB_REPLY"),
    retry=soon,
)

@router("first")
def first(msg):
    return "number"

@handler("number")
def number(msg):
    last = state_get("numbers", "last", 0) + 1
    msg["MSH-6"] = reference("places")["HERE"]
    sends = [Send("OB_MLLP", msg), Send("OB_BATCH", msg), Send("IB_NEXT", msg)]
    return [*sends, SetState("numbers", "last", last), SetMeta("number", str(last))]

@router("next")
def next_(msg):
    return "ask"

@handler("ask")
def ask(msg):
    return Send("OB_NEXT", msg)

@router("reply")
def reply(msg):
    return "count"

@handler("count")
def count(msg):
    answered = response_get("OB_NEXT").text()
    count = state_get("replies", "count", 0) + 1
    return [SetState("replies", "count", count), SetMeta("answered", "yes" if msg["MSA-2"] in answered else "no")]
"""


def module(world: World) -> str:
    """The module of the configuration; braces are doubled, for `Place.configure`."""
    places = world.place.directory / "places.csv"
    places.write_text("code,place\nHERE,SOMEWHERE\n")
    return MODULE.format(places=places, **{lane: partner.port for lane, partner in world.partners.items()})


@dataclass(frozen=True)
class SentBatch:
    """A batch that was sent, and whether it was answered."""

    control_ids: tuple[str, ...]
    answered: bool


@dataclass(frozen=True)
class Stubborn:
    """A sender that sends a message until it is acknowledged, byte for byte the same, and sometimes once more."""

    def step(self, world: World, chance: random.Random) -> None:
        if world.unanswered:
            control_id = world.unanswered[0]
        else:
            control_id = f"R{len(world.repeated):08}"
            world.repeated.append(control_id)
            world.unanswered.append(control_id)
        if _code(world, adt(control_id)) == "AA" and chance.random() < 0.7:
            world.unanswered.remove(control_id)

    def end(self, world: World, engine: EngineProcess) -> None:
        for _ in range(2):
            for control_id in world.unanswered:
                assert _code(world, adt(control_id)) == "AA", "the engine accepts messages again"
        world.unanswered.clear()


@dataclass(frozen=True)
class Batches:
    """A sender of batches, none of them twice."""

    def step(self, world: World, chance: random.Random) -> None:
        self._send(world, chance.randint(1, 12))

    def _send(self, world: World, count: int) -> None:
        first = sum(len(sent.control_ids) for sent in world.batches)
        control_ids = tuple(f"B{number:08}" for number in range(first, first + count))
        members = b"".join(adt(control_id) for control_id in control_ids)
        place = len(world.batches)
        world.batches.append(SentBatch(control_ids, answered=False))
        reply = _exchange(world, b"BHS|^~\\&|A|B|C|D|20260101||||%d\r%bBTS|%d\r" % (place, members, count))
        codes = re.findall(rb"\rMSA\|(..)\|", reply)
        world.batches[place] = SentBatch(control_ids, answered=codes == [b"AA"] * count)

    def end(self, world: World, engine: EngineProcess) -> None:
        self._send(world, 5)
        assert world.batches[-1].answered, "the engine accepts batches again"


@dataclass(frozen=True)
class Reference:
    """Somebody who writes the reference set anew; its file is never half there."""

    def step(self, world: World, chance: random.Random) -> None:
        places = world.place.directory / "places.csv"
        draft = places.with_suffix(".draft")
        draft.write_text(f"code,place\nHERE,PLACE{chance.randint(0, 9)}\n")
        draft.replace(places)
        world.over.wait(chance.uniform(0.1, 1))

    def end(self, world: World, engine: EngineProcess) -> None:
        """It stays as it is."""


def _code(world: World, content: bytes) -> str:
    return read_acknowledgment(_exchange(world, content)).code


def _exchange(world: World, content: bytes) -> bytes:
    """Send one content over a connection of its own; its answer, nothing when there was none."""
    try:
        with socket.create_connection(("127.0.0.1", world.place.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(frame(content))
            frames = Frames()
            while data := connection.recv(1 << 16):
                if found := frames.feed(data):
                    return found[0]
    except OSError:
        world.over.wait(0.02)  # nobody listens now, or the engine died
    return b""


# -- what must be so in the end --------------------------------------------------------------------------------------


def broken(world: World) -> list[str]:
    """Every promise about what is kept that was broken."""
    with world.store.connected() as connection:
        return [*_numbers(connection), *_hops(connection), *_batches(connection, world.batches), *_repeats(connection)]


def _numbers(connection: Connection) -> Iterator[str]:
    found = rows_of(
        connection,
        "SELECT message_meta.value FROM message_meta JOIN message ON message.id = message_meta.message_id"
        " WHERE message_meta.name = 'number' ORDER BY message.id",
    )
    numbers = sorted(int(value) for (value,) in found)
    if numbers != list(range(1, len(numbers) + 1)):
        doubles = sum(count - 1 for count in Counter(numbers).values())
        yield f"{len(numbers)} messages have numbers up to {numbers[-1]}, {doubles} of them twice"
    ((numbered,),) = rows_of(connection, "SELECT count(*) FROM message WHERE inbound = 'IB' AND routing = 'PROCESSED'")
    if numbered != len(numbers):
        yield f"{numbered} messages were numbered, and {len(numbers)} have a number"


def _hops(connection: Connection) -> Iterator[str]:
    for parents, children in (("IB", "IB_NEXT"), ("IB_NEXT", "IB_REPLY")):
        wanted = rows_of(connection, f"SELECT id FROM message WHERE inbound = '{parents}' AND routing = 'PROCESSED'")
        found = rows_of(connection, f"SELECT parent_id FROM message WHERE inbound = '{children}'")
        led = Counter(parent for (parent,) in found)
        lost = [key for (key,) in wanted if not led[key]]
        doubled = [key for key, count in led.items() if count > 1]
        if lost or doubled or len(led) != len(wanted):
            some, several = len(lost), len(doubled)
            yield f"of {len(wanted)} messages of {parents}, {some} led to none of {children}, {several} to several"
    ((open_,),) = rows_of(connection, "SELECT count(*) FROM message WHERE disposition IN ('RECEIVED', 'ROUTED')")
    ((silent,),) = rows_of(connection, "SELECT count(*) FROM message_meta WHERE name = 'answered' AND value = 'no'")
    if open_ or silent:
        yield f"{open_} messages are not at their end, and {silent} did not find the reply that led to them"


def _batches(connection: Connection, sent: Sequence[SentBatch]) -> Iterator[str]:
    stored = {
        control_id
        for (control_id,) in rows_of(connection, "SELECT control_id FROM message WHERE inbound = 'IB' AND depth = 0")
    }
    for batch in sent:
        there = sum(control_id in stored for control_id in batch.control_ids)
        if there not in (0, len(batch.control_ids)):
            yield f"of a batch of {len(batch.control_ids)} there are {there}"


def _repeats(connection: Connection) -> Iterator[str]:
    ((repeats,),) = rows_of(connection, "SELECT count(*) FROM event WHERE kind = 'repeated'")
    if not repeats:
        yield "nothing was ever told to be a repeat"
