"""A second answer on the same connection: the application acknowledgment that comes after the delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

from messagefoundry.contracts import Receipt
from messagefoundry.message import peek
from messagefoundry_mllp import listener as listening_module
from messagefoundry_mllp.settings import MLLPSettings

from .world import Engine, ack, adt, connect, framed, listening, read_exactly, read_frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

MLLP = MLLPSettings(port=0)


class Deliveries:
    """Gives the receipt CA at once, and AA when a message is said to be delivered."""

    def __init__(self) -> None:
        self.delivered: dict[str, trio.Event] = {}
        self.waiting = 0

    def answer(self, raw: bytes) -> Receipt:
        control_id = peek(raw).control_id.decode()
        self.delivered[control_id] = trio.Event()
        return Receipt(True, 1, ack(control_id, "CA"), "CA", later=self._later(control_id))

    def _later(self, control_id: str) -> Callable[[], Awaitable[bytes | None]]:
        async def later() -> bytes | None:
            self.waiting += 1
            try:
                await self.delivered[control_id].wait()
            finally:
                self.waiting -= 1
            return None if control_id.startswith("silent") else ack(control_id, "AA")

        return later


async def test_the_second_answer_comes_while_the_next_message_is_received() -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        for control_id in ("1", "silent", "2"):
            await peer.send_all(framed(adt(control_id)))
            assert await read_frame(peer) == ack(control_id, "CA")
        deliveries.delivered["silent"].set()
        deliveries.delivered["2"].set()
        assert await read_frame(peer) == ack("2", "AA")
        deliveries.delivered["1"].set()
        assert await read_frame(peer) == ack("1", "AA")
    assert deliveries.waiting == 0


async def test_answers_are_never_mixed() -> None:
    """A later answer comes while a long one is being written to a peer that does not read yet."""
    deliveries = Deliveries()
    long = ack("2" + "9" * (8 << 20), "CA")

    def answer(raw: bytes) -> Receipt:
        receipt = deliveries.answer(raw)
        return receipt._replace(reply=long) if raw == adt("2") else receipt

    engine = Engine(answer)
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")))
        assert await read_frame(peer) == ack("1", "CA")
        await peer.send_all(framed(adt("2")))
        await engine.until(lambda: len(engine.received) == 2)
        await trio.testing.wait_all_tasks_blocked()
        deliveries.delivered["1"].set()
        await trio.testing.wait_all_tasks_blocked()
        expected = framed(long) + framed(ack("1", "AA"))
        assert await read_exactly(peer, len(expected)) == expected


async def test_a_peer_that_closes_its_sending_side_still_gets_the_second_answer() -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")))
        await peer.send_eof()
        assert await read_frame(peer) == ack("1", "CA")
        deliveries.delivered["1"].set()
        assert await read_frame(peer) == ack("1", "AA")


async def test_a_stop_waits_for_the_second_answer_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    async with trio.open_nursery() as nursery:
        async with listening(MLLP, engine) as listener:
            peer = await connect(listener)
            await peer.send_all(framed(adt("1")))
            assert await read_frame(peer) == ack("1", "CA")
            nursery.start_soon(_deliver_when_stopping, deliveries, listener)  # noqa: ASYNC111 - it acts at the stop
    assert await read_frame(peer) == ack("1", "AA")
    await peer.aclose()
    monkeypatch.setattr(listening_module, "DRAIN_SECONDS", 0.05)
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("2")))
        assert await read_frame(peer) == ack("2", "CA")
    assert deliveries.waiting == 0


async def _deliver_when_stopping(deliveries: Deliveries, listener: listening_module.Listener) -> None:
    (conversation,) = listener._conversations
    while not conversation._stopping:  # noqa: ASYNC110 - a stop has no event
        await trio.sleep(0.001)
    deliveries.delivered["1"].set()


async def test_a_peer_that_left_gets_nothing_and_the_others_do() -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    async with listening(MLLP, engine) as listener, await connect(listener) as stays:
        leaves = await connect(listener)
        await leaves.send_all(framed(adt("1")))
        assert await read_frame(leaves) == ack("1", "CA")
        await leaves.aclose()
        deliveries.delivered["1"].set()
        await stays.send_all(framed(adt("2")))
        assert await read_frame(stays) == ack("2", "CA")
        deliveries.delivered["2"].set()
        assert await read_frame(stays) == ack("2", "AA")


async def test_a_stop_with_a_message_in_hand_waits_for_the_second_answers_too() -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    async with trio.open_nursery() as nursery:
        async with listening(MLLP, engine) as listener:
            peer = await connect(listener)
            await peer.send_all(framed(adt("1")))
            assert await read_frame(peer) == ack("1", "CA")
            engine.gate = trio.Event()
            await peer.send_all(framed(adt("2")))
            await engine.until(lambda: len(engine.received) == 2)
            act = _answer_and_deliver_when_stopping
            nursery.start_soon(act, engine, deliveries, listener)  # noqa: ASYNC111 - as above
    expected = [framed(each) for each in (ack("2", "CA"), ack("1", "AA"), ack("2", "AA"))]
    got = await read_exactly(peer, len(b"".join(expected)))
    assert got.startswith(expected[0])
    assert all(each in got for each in expected)
    await peer.aclose()


async def _answer_and_deliver_when_stopping(
    engine: Engine, deliveries: Deliveries, listener: listening_module.Listener
) -> None:
    (conversation,) = listener._conversations
    while not conversation._stopping:  # noqa: ASYNC110 - a stop has no event
        await trio.sleep(0.001)
    assert engine.gate is not None
    engine.gate.set()
    while "2" not in deliveries.delivered:  # noqa: ASYNC110 - as above
        await trio.sleep(0.001)
    await trio.testing.wait_all_tasks_blocked()
    deliveries.delivered["1"].set()
    deliveries.delivered["2"].set()


async def test_a_frame_that_is_too_large_leaves_the_second_answers_to_come() -> None:
    deliveries = Deliveries()
    engine = Engine(deliveries.answer)
    settings = MLLPSettings(port=0, max_frame_bytes=1000)
    async with listening(settings, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")))
        assert await read_frame(peer) == ack("1", "CA")
        await peer.send_all(framed(adt("2", size=5000)))
        await engine.noted("frame refused")
        await trio.testing.wait_all_tasks_blocked()
        deliveries.delivered["1"].set()
        got = b""
        while chunk := await peer.receive_some():
            got += chunk
    assert ack("1", "AA") in got
