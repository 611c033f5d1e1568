"""A sending system that gives up nothing: what is not acknowledged comes again, and at times what is, too."""

from __future__ import annotations

import random
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Self

from messagefoundry.harness.mllp import frame
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.peers import Answer, Line, sender
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from tests.acceptance.place import Place

TELLING = """
from messagefoundry import Dedupe

inbound("IB", MLLP(port={port}), router="all_to_fan", dedupe=Dedupe(window_seconds=600))
outbound("OB_MLLP", MLLP(host="127.0.0.1", port={partner}), retry=RetryPolicy(backoff_seconds=0.1))

@router("all_to_fan")
def all_to_fan(msg):
    return "fan"

@handler("fan")
def fan(msg):
    return Send("OB_MLLP", msg)
"""
CONNECTIONS = 8
EACH = 40
KILLED_AFTER = (60, 140, 220)
STAMPS = ("20260101", "20260102")
RETRY_SECONDS = 0.05
ONE_IN = 6
"""Of so many acknowledged messages, one comes again at some later time."""


class Repeating:
    """Sends messages over several connections, one after the other on each, until every one is acknowledged AA.

    Half of what comes again is the same to the byte, half has another MSH-7.
    """

    def __init__(self, port: int, *, connections: int, each: int, seed: int = 7) -> None:
        self._port = port
        self._stop = threading.Event()
        self._failures: list[str] = []
        self._counting = threading.Lock()
        self.accepted: set[str] = set()
        self.needless = 0
        """Repeats of what had been acknowledged."""
        self._threads = [
            threading.Thread(target=self._run, args=(number, each, random.Random(seed + number)))
            for number in range(connections)
        ]

    def __enter__(self) -> Self:
        """Begin; nobody needs to listen yet."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def has(self, count: int) -> bool:
        """Whether so many messages are acknowledged."""
        return len(self.accepted) >= count

    def ended(self, *, within: float = 60) -> set[str]:
        """Wait until all is acknowledged: the control ids. Raises AssertionError when an answer was another one."""
        until = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        still = sum(thread.is_alive() for thread in self._threads)
        assert not self._failures, self._failures
        assert not still, f"{still} connections still sending after {within:g} s"
        return self.accepted

    def _run(self, number: int, each: int, chance: random.Random) -> None:
        line = _Persistent(self._port, self._stop)
        for count in range(each):
            control_id = f"R{number}-{count}"
            self._until_accepted(line, control_id, chance, again=False)
            if chance.randrange(ONE_IN) == 0:
                repeated = f"R{number}-{chance.randint(0, count)}"
                with self._counting:
                    self.needless += 1
                self._until_accepted(line, repeated, chance, again=True)
        line.close()

    def _until_accepted(self, line: _Persistent, control_id: str, chance: random.Random, *, again: bool) -> None:
        answer = line.exchange(message(control_id, chance.choice(STAMPS) if again else STAMPS[0]))
        while answer is None and not self._stop.is_set():
            answer = line.exchange(message(control_id, chance.choice(STAMPS)))
        if answer is None:
            return
        with self._counting:
            self.accepted.add(control_id)
            if answer != ("AA", control_id):
                self._failures.append(f"{control_id} was answered {answer[0]} {answer[1]}")


class _Persistent:
    """A connection that is made again whenever it has gone."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        self._port = port
        self._stop = stop
        self._line: Line | None = None

    def exchange(self, raw: bytes) -> Answer | None:
        """The answer to one message; None when the connection, old or new, went away before it came."""
        try:
            if self._line is None:
                self._line = sender(self._port)
            self._line.say(frame(raw))
            answer = self._line.answer()
        except OSError:
            answer = None
        if answer is None:
            self.close()
            self._stop.wait(RETRY_SECONDS)
        return answer

    def close(self) -> None:
        """Leave."""
        line, self._line = self._line, None
        if line is not None:
            line.socket.close()


def message(control_id: str, stamp: str) -> bytes:
    """A small message with this MSH-10 and MSH-7."""
    return f"MSH|^~\\&|A|B|C|D|{stamp}||ADT^A01|{control_id}|T|2.5.1\rPID|1||{control_id}\r".encode()


def told_under_kills(place: Place, environment: Mapping[str, str] | None = None) -> Repeating:
    """Kill an engine that tells repeats while a sender repeats what it has to, and more; then stop one in order.

    The partner has had every message, and gets no more. Gives the sender.
    """
    sending = Repeating(place.port, connections=CONNECTIONS, each=EACH)
    with partner() as downstream, sending:
        place.configure(TELLING, partner=downstream.port)
        for accepted in KILLED_AFTER:
            with EngineProcess(place, environment=environment).ready() as engine:
                until(partial(sending.has, accepted), f"{accepted} messages are acknowledged")
                engine.kill()
        with EngineProcess(place, environment=environment).ready() as engine:
            control_ids = sending.ended()
            assert len(control_ids) == CONNECTIONS * EACH
            until(engine.at_rest, "everything is delivered")
            assert engine.stop() == 0, engine.output
        assert set(downstream.arrivals.first_ns) == control_ids
    return sending
