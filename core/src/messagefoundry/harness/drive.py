"""Generator and sink of a load profile in one process, which sees every message at both ends.

    python -m messagefoundry.harness.drive

takes an :class:`Order` as one JSON object on a line of standard input and prints {"listening": [ports]}. The line
`go HOST PORT` starts the sending; then one JSON object an interval is printed, and one with the result. The line `stop`
ends the sending early; what has been sent is still awaited. The end of standard input ends everything. Exit code 0 when
there is a result, 2 when it cannot listen or nobody does.
"""

import json
import selectors
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from .correlator import Correlated, Correlator
from .generator import Load, Transmitter, fresh_prefix
from .histogram import Histogram
from .pace import Pace
from .profiles import Phase
from .receiver import Answering, Ending, Sink
from .reconcile import Account, drain_seconds
from .schedule import InFlight, Schedule, Timeline
from .tally import Tally

Say = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to send, where to receive it, and how long to wait."""

    sink_host: str
    sink_ports: tuple[int, ...]
    """0 for a free one"""
    receiver: str | None
    """the MSH-5 that must arrive; None: any"""
    phases: tuple[Phase, ...]
    connections: int
    window: int
    size: int
    correlator_capacity: int
    interval_seconds: float
    idle_seconds: float
    """longest wait for an arrival after sending"""
    drain_seconds: float
    """longest wait in all"""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`as_json` wrote."""
        content = json.loads(text)
        phases, ports = content.pop("phases"), content.pop("sink_ports")
        return cls(**content, phases=tuple(Phase(**phase) for phase in phases), sink_ports=tuple(ports))

    def as_json(self) -> str:
        """Return it as text on one line."""
        return json.dumps(asdict(self))

    def load(self, host: str, port: int, prefix: str) -> Load:
        """Return what a transmitter is told."""
        return Load(
            host=host,
            ports=(port,),
            prefix=prefix,
            connections=self.connections,
            window=self.window,
            size=self.size,
            seconds=sum(phase.seconds for phase in self.phases),
        )


class Drive:
    """One run: sending, receiving, counting, telling."""

    def __init__(self, order: Order, say: Say) -> None:
        """Listen. Raises OSError when a port is taken."""
        self._order, self._say = order, say
        self._timeline = Timeline(order.phases)
        self._selector, self._prefix = selectors.DefaultSelector(), fresh_prefix()
        self._correlator = Correlator(
            self._prefix, len(order.sink_ports), order.correlator_capacity, self._timeline, len(order.phases)
        )
        self.sink = Sink(
            order.sink_ports,
            Answering(receiver=order.receiver),
            order.sink_host,
            selector=self._selector,
            counting=self._arrivals(),
        )
        self._next_tick = 0.0
        self._ended_early = False

    def aim(self, host: str, port: int) -> None:
        """Say where to send; before everything below."""
        load = self._order.load(host, port, self._prefix)
        self._transmitter = _Reporting(load, self._correlator, self._pace, self._selector)
        self._transmitter.tick = self._tick

    def _arrivals(self) -> Callable[[], Correlated]:
        numbers = iter(range(len(self._order.sink_ports)))
        return lambda: Correlated(correlator=self._correlator, sink=next(numbers))

    def _pace(self, start_ns: int) -> Pace:
        self._timeline.start_ns = start_ns
        self._next_tick = time.monotonic() + self._order.interval_seconds
        if any(phase.in_flight for phase in self._order.phases):
            return InFlight(self._order.phases, self._timeline, lambda: self._correlator.done)
        return Schedule(self._order.phases, start_ns)

    def stop_sending(self) -> None:
        """Send no more; safe from any thread."""
        self._ended_early = True
        self._transmitter.stop()

    def stop(self) -> None:
        """End as soon as possible; safe from any thread."""
        self.stop_sending()
        self.sink.stop()

    def run(self) -> None:
        """Send, await what is on its way, say the result. Raises OSError when nobody listens."""
        try:
            self._transmitter.run()
            self._drain()
            self._say(self._result())
        finally:
            self.sink.close()

    def _drain(self) -> None:
        order = self._order
        self.sink.end(Ending(expect=self._correlator.accepted, idle=order.idle_seconds, at_most=order.drain_seconds))
        while not self.sink.is_over():
            self.sink.turn()
            self._tick()
        self._end_interval(time.monotonic())

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._next_tick:
            self._end_interval(now)

    def _end_interval(self, now: float) -> None:
        correlator, ended = self._correlator, self._correlator.interval
        began = self._next_tick - self._order.interval_seconds
        correlator.interval, self._next_tick = Tally(), now + self._order.interval_seconds
        self._say(
            {
                "at": round(now - self._timeline.start_ns / 1e9, 3),
                "seconds": round(now - began, 3),
                "phase": self._timeline.at(int((now + began) / 2 * 1e9)),
                **ended.facts(),
                "on_their_way": correlator.on_their_way,
            }
        )

    def _result(self) -> dict[str, Any]:
        correlator, transmitter = self._correlator, self._transmitter
        return {
            "sent": len(correlator),
            "accepted": correlator.accepted,
            "codes": dict(correlator.codes),
            "late": transmitter.late,
            "unasked": transmitter.unasked,
            "connections_lost": transmitter.connections_lost,
            "ended_early": self._ended_early,
            "seconds": round((correlator.sending_ended_ns - transmitter.started_ns) / 1e9, 3),
            "drain_seconds": drain_seconds(correlator.sending_ended_ns, correlator.last_arrival_ns),
            "mean_bytes": round(transmitter.bytes_sent / max(1, len(correlator))),
            "correlation_misses": correlator.misses,
            "cpu_seconds": round(time.process_time(), 2),
            "sinks": [
                {"port": port, "wrong_receiver": arrivals.wrong_receiver, **_facts_of(account)}
                for (port, arrivals), account in zip(self.sink.arrivals.items(), correlator.accounts, strict=True)
            ],
            "phases": [tally.facts() for tally in correlator.phases],
            "histograms": self._histograms(),
        }

    def _histograms(self) -> dict[str, list[tuple[float, int]]]:
        """Return those of the measured phases together."""
        ack, end_to_end = Histogram(), Histogram()
        for phase, tally in zip(self._order.phases, self._correlator.phases, strict=False):
            if phase.measured:
                ack.merge(tally.ack)
                end_to_end.merge(tally.end_to_end)
        return {"ack": list(ack.steps()), "end_to_end": list(end_to_end.steps())}


class _Reporting(Transmitter[Correlator]):
    """A transmitter that calls `tick` at least every 0.2 s."""

    tick: Callable[[], None]

    def _turn(self, wait_seconds: float) -> None:
        super()._turn(wait_seconds)
        self.tick()


def _facts_of(account: Account) -> dict[str, int]:
    return {
        "received": account.received,
        "unique": len(account.arrived),
        "missing": account.missing,
        "duplicates": account.duplicates,
        "unexpected": account.unexpected,
        "overtaken": account.overtaken,
    }


def main() -> int:
    """Run as a process of its own; return the exit code."""
    order = Order.from_json(sys.stdin.readline())
    try:
        drive = Drive(order, _say)
        _say({"listening": drive.sink.ports})
        go = sys.stdin.readline().split()
        if len(go) != 3:
            drive.sink.close()
            return 0
        drive.aim(go[1], int(go[2]))
        threading.Thread(target=_obey, args=[drive], daemon=True).start()
        drive.run()
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
        return 2
    return 0


def _obey(drive: Drive) -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            drive.stop_sending()
    drive.stop()


def _say(facts: Mapping[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
