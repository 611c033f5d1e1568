"""Batches over MLLP: one frame in, one frame out, through a whole engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.message import split_batch
from messagefoundry.testing import free_port
from messagefoundry.wiring.graph import Inbound
from messagefoundry.wiring.values import AckMode
from messagefoundry_mllp.plugin import register_connectors
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings
from tests.engine.world import World, control_id_of, until

from .world import HOST, adt, exchange, framed, read_all, read_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from messagefoundry.contracts.settings import ConnectorSettings
    from tests.engine.toy import Partner

SPECS = {spec.name: spec for spec in register_connectors()}
BHS = b"BHS|^~\\&|LAB|WEST|HIS|EAST|20260101||||B7\r"
BAD = adt("BAD").replace(b"PID|1", b"PID|\xff")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.simple()
    return world


def batch(*members: bytes, count: int | None = None) -> bytes:
    return BHS + b"".join(members) + b"BTS|%d\r" % (len(members) if count is None else count)


@asynccontextmanager
async def sending(world: World, settings: ConnectorSettings, **options: Any) -> AsyncIterator[trio.SocketStream]:
    """A sender that is connected to the engine's inbound."""
    name = "MLLP" if isinstance(settings, MLLPSettings) else "Tcp"
    world.inbounds["IB"] = Inbound("IB", SPECS[name], settings, "route", HL7V2, **options)
    with trio.fail_after(20):
        async with world.running() as engine:
            await until(lambda: engine.connections["IB"].state == "running")
            async with await trio.open_tcp_stream(HOST, settings.listens_on() or 0) as stream:
                yield stream


def acknowledged(reply: bytes) -> list[tuple[bytes, bytes]]:
    """MSA-1 and MSA-2 of the acknowledgments in a batch."""
    segments = [segment.split(b"|") for segment in b"\r".join(split_batch(reply).members).split(b"\r")]
    return [(segment[1], segment[2]) for segment in segments if segment[0] == b"MSA"]


def ids(partner: Partner) -> list[str]:
    return [control_id_of(raw) for raw in partner.delivered]


async def test_one_frame_in_one_batch_of_acknowledgments_out(world: World) -> None:
    async with sending(world, MLLPSettings(port=free_port())) as stream:
        reply = await exchange(stream, batch(adt("1"), BAD, adt("2")))
        assert acknowledged(reply) == [(b"AA", b"1"), (b"AE", b"BAD"), (b"AA", b"2")]
        head, tail = reply.split(b"\r")[0].split(b"|"), reply.split(b"\r")[-2]
        assert head[:6] == [b"BHS", b"^~\\&", b"HIS", b"EAST", b"LAB", b"WEST"]
        assert head[11] == b"B7", "BHS-12 names the batch that is answered"
        assert tail == b"BTS|3"
        control_ids = [head[10], *(member.split(b"|")[9] for member in split_batch(reply).members)]
        assert len(set(control_ids)) == 4, "each has a control id of its own"
        alone = await exchange(stream, adt("3"))
        assert alone.startswith(b"MSH|")
        await world.partners["OB"].has(3)
    assert ids(world.partners["OB"]) == ["1", "2", "3"]


async def test_errors_alone_if_so_agreed(world: World) -> None:
    """§2.10.3: a batch of no negative acknowledgment says that all is well."""
    async with sending(world, MLLPSettings(port=free_port(), batch_ack="errors")) as stream:
        some = await exchange(stream, batch(adt("1"), BAD, adt("2")))
        none = await exchange(stream, adt("3") + adt("4"))
        assert b"\rMSA|AA|5\r" in await exchange(stream, adt("5"))
    assert acknowledged(some) == [(b"AE", b"BAD")]
    assert some.endswith(b"\rBTS|1\r")
    assert acknowledged(none) == []
    assert none.endswith(b"\rBTS|0\r")


async def test_a_wrong_count_is_answered_once_and_nothing_is_routed(world: World) -> None:
    async with sending(world, MLLPSettings(port=free_port())) as stream:
        reply = await exchange(stream, batch(adt("1"), adt("2"), count=3))
        assert reply.startswith(b"MSH|")
        assert b"\rMSA|AE|1\r" in reply
        assert b"A batch does not hold as many as it says" in reply
        await exchange(stream, adt("9"))
        await world.partners["OB"].has(1)
    assert ids(world.partners["OB"]) == ["9"]


async def test_a_message_that_was_cut_is_never_taken_for_one_of_a_batch(world: World) -> None:
    """The sender broke off and began anew on the same connection: no FS stands between the two."""
    async with sending(world, MLLPSettings(port=free_port())) as stream:
        await stream.send_all(framed(adt("1", size=50))[:-20])
        reply = await exchange(stream, adt("2"))
    assert b"\rMSA|AE|1\r" in reply
    assert b"A message was not ended before the next one" in reply
    assert world.read(lambda reader: [row.disposition for row in reader.messages(MessageQuery())]) == ["ERROR"]


async def test_a_batch_in_enhanced_mode(world: World) -> None:
    members = [adt(wish).replace(b"|2.5.1\r", b"|2.5.1|||%b|NE\r" % wish.encode()) for wish in ("AL", "NE", "AL")]
    async with sending(world, MLLPSettings(port=free_port()), ack_mode=AckMode.ENHANCED) as stream:
        assert acknowledged(await exchange(stream, batch(*members))) == [(b"CA", b"AL"), (b"CA", b"AL")]
        await stream.send_all(framed(batch(members[1])))
        reply = await exchange(stream, members[0])
        assert reply.startswith(b"MSH|"), "nobody wanted an answer to the batch"


async def test_a_batch_in_mode_none(world: World) -> None:
    async with sending(world, MLLPSettings(port=free_port()), ack_mode=AckMode.NONE) as stream:
        await stream.send_all(framed(batch(adt("1"), adt("2"))))
        await stream.send_eof()
        assert await read_all(stream) == b""
        await world.partners["OB"].has(2)


async def test_batches_and_messages_of_one_peer_stay_in_order(world: World) -> None:
    numbers: Iterator[int] = iter(range(100))

    def some(count: int) -> list[bytes]:
        return [adt(str(next(numbers))) for _ in range(count)]

    frames = [*some(1), batch(*some(20)), *some(1), b"".join(some(20)), *some(1)]
    async with sending(world, MLLPSettings(port=free_port())) as stream:
        for frame in frames:
            await stream.send_all(framed(frame))
        await stream.send_eof()
        answers = (await read_all(stream)).split(b"\x1c\r")
        await world.partners["OB"].has(43)
    assert [answer[1:4] for answer in answers] == [b"MSH", b"BHS", b"MSH", b"BHS", b"MSH", b""]
    assert ids(world.partners["OB"]) == [str(number) for number in range(43)]


async def test_a_batch_over_raw_tcp_is_answered_as_over_mllp(world: World) -> None:
    async with sending(world, TcpSettings(port=free_port(), framing="mllp")) as stream:
        await stream.send_all(framed(batch(adt("1"), adt("2"))))
        assert acknowledged(await read_frame(stream)) == [(b"AA", b"1"), (b"AA", b"2")]
