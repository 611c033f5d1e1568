"""The floor: the least that any durable store-and-forward program on trio and SQLite has to do.

MLLP in, durable receipt, AA, one field edited, durable hand-off, and for each destination one kept MLLP connection that
delivers in order, at most 32 messages ahead of their durable settlement. No graph, no trail, no encryption, no API, no
retry. The engine's speed divided by this program's, in alternation on one machine, is what `bench` judges.

    python -m messagefoundry.harness.floor --listen 2600 --forward 2700 --db floor.db

prints {"listening": port} when it can be reached and, after SIGTERM or SIGINT, {"messages": n, "commits": n}.
"""

import argparse
import json
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import trio

from .ledger import Ledger, Step
from .mllp import Frames, frame

UNSETTLED = 32


class _Peer:
    """One MLLP connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._frames = stream, Frames()
        self._waiting: deque[bytes] = deque()

    async def receive(self) -> bytes | None:
        """Return the next content, or None when the peer has closed."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._waiting:
            data = await self._stream.receive_some(65536)
            if not data:
                return None
            self._waiting.extend(self._frames.feed(data))
        return self._waiting.popleft()

    async def send(self, content: bytes) -> None:
        """Send one content in its frame."""
        await self._stream.send_all(frame(content))


@dataclass(frozen=True, slots=True)
class _Item:
    """One message on its way to one destination."""

    outbound_id: int
    message_id: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Lane:
    """The ordered work of one destination."""

    number: int
    port: int
    put: trio.MemorySendChannel[_Item]
    items: trio.MemoryReceiveChannel[_Item]


@dataclass(slots=True)
class Floor:
    """The program's one feed. `undelivered` counts each message's open destinations when it has several."""

    ledger: Ledger
    lanes: tuple[_Lane, ...]
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    messages: int = 0
    undelivered: dict[int, int] = field(default_factory=dict)

    async def receive(self, stream: trio.SocketStream) -> None:
        """Serve one peer until it closes: each message is durable before it is answered."""
        peer = _Peer(stream)
        while (raw := await peer.receive()) is not None:
            header = raw[: raw.index(b"\r")].split(b"|")
            message_id, durable = next(self.ids), trio.Event()
            self.messages += 1
            row = (message_id, time.time(), header[9].decode(), header[8].decode(), "RECEIVED", raw)
            self.ledger.add(Step.RECEIVE, (row,), partial(self._received, message_id, raw, durable))
            await durable.wait()
            await peer.send(_accept(header))

    def _received(self, message_id: int, raw: bytes, durable: trio.Event) -> None:
        durable.set()
        payload = _edit(raw)
        first = message_id * len(self.lanes)
        items = [_Item(first + lane.number, message_id, payload) for lane in self.lanes]
        rows = [(item.outbound_id, message_id, "OB", "PENDING", payload) for item in items]
        if len(items) > 1:
            self.undelivered[message_id] = len(items)
        self.ledger.add(Step.HAND_OFF, rows, partial(self._handed_off, items))

    def _handed_off(self, items: Sequence[_Item]) -> None:
        for lane, item in zip(self.lanes, items, strict=True):
            lane.put.send_nowait(item)

    async def deliver(self, lane: _Lane) -> None:
        """Send one lane's items in order; raises ConnectionError when the destination does not accept one."""
        ahead = trio.Semaphore(UNSETTLED)
        peer = await _connect(lane.port)
        async for item in lane.items:
            await ahead.acquire()
            await peer.send(item.payload)
            reply = await peer.receive()
            if reply is None or b"\rMSA|AA" not in reply:
                raise ConnectionError(f"the destination at port {lane.port} did not answer AA")
            self.ledger.add(Step.SETTLE, (self._settlement(item),), ahead.release)

    def _settlement(self, item: _Item) -> tuple[int, ...]:
        """Return the outbound row's id, and the message's when this was its last destination."""
        left = self.undelivered.pop(item.message_id, 1) - 1
        if left:
            self.undelivered[item.message_id] = left
            return (item.outbound_id,)
        return item.outbound_id, item.message_id


async def serve(listen: int, forward: Sequence[int], database: Path, synchronous: str) -> None:
    """Run the floor until SIGTERM or SIGINT; `listen` 0 picks a free port."""
    floor = Floor(Ledger(database, synchronous), tuple(_lane(number, port) for number, port in enumerate(forward)))
    listeners = await trio.open_tcp_listeners(listen, host="127.0.0.1", backlog=512)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(floor.ledger.run)
            for lane in floor.lanes:
                nursery.start_soon(floor.deliver, lane)
            nursery.start_soon(trio.serve_listeners, floor.receive, listeners)
            print(json.dumps({"listening": listeners[0].socket.getsockname()[1]}), flush=True)
            await anext(signals)
            nursery.cancel_scope.cancel()
    print(json.dumps({"messages": floor.messages, "commits": floor.ledger.commits}), flush=True)


def _lane(number: int, port: int) -> _Lane:
    return _Lane(number, port, *trio.open_memory_channel[_Item](math.inf))


async def _connect(port: int) -> _Peer:
    while True:
        try:
            return _Peer(await trio.open_tcp_stream("127.0.0.1", port))
        except OSError:
            await trio.sleep(0.1)


def _edit(raw: bytes) -> bytes:
    """Set MSH-5 the way a Handler does: the whole message decoded, split, changed and put together again."""
    segments = [segment.split("|") for segment in raw.decode("latin-1").split("\r")]
    segments[0][4] = "DOWNSTREAM"
    return "\r".join("|".join(fields) for fields in segments).encode("latin-1")


def _accept(header: Sequence[bytes]) -> bytes:
    """Return the AA: sender and receiver change places, MSA-2 is the message's MSH-10."""
    sender, receiver, control_id = b"|".join(header[2:4]), b"|".join(header[4:6]), header[9]
    return b"MSH|^~\\&|%b|%b|||ACK|%b|P|2.5.1\rMSA|AA|%b\r" % (receiver, sender, control_id, control_id)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="floor", description="The least durable store-and-forward program.")
    parser.add_argument("--listen", type=int, default=2600, help="0 picks a free port")
    parser.add_argument("--forward", type=int, action="append", help="repeatable: every message goes to each")
    parser.add_argument("--db", type=Path, default=Path("floor.db"), help="a new file")
    parser.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    options = parser.parse_args(argv)
    trio.run(serve, options.listen, options.forward or [2700], options.db, options.synchronous)
    return 0


if __name__ == "__main__":
    sys.exit(main())
