"""Running a load profile against an engine: a running one, or one started for the occasion."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .drive import Order
from .driving import Driving, driving
from .feeds import BURN_SECONDS, RECEIVER, Feed
from .load_report import Report, Run, report_of
from .machine import this_machine
from .meter import Meter
from .pages import BURNING_INBOUND, Counts, EnginePages
from .profiles import Profile
from .signals import ending_in_order, on_first_interrupt
from .subject import SubjectError, engine, running
from .tools import background_load
from .watching import Watch
from .workplace import fresh_workplace

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.1
MOST_INTERVALS = 3600
SHORTEST_INTERVAL_SECONDS = 0.5
LONGEST_DRAIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running engine. Its outbounds deliver to the sink, each to a port of its own."""

    host: str
    port: int
    api_host: str
    api_port: int
    sink_host: str
    sink_ports: tuple[int, ...]
    store: Path | None = None
    """its SQLite file, to watch the size of"""

    @property
    def says(self) -> str:
        """Return it in words."""
        return f"the engine at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """An engine of our own on a fresh store, with the built-in configuration."""

    fanout: int = 1
    slow_seconds: float = 0.0
    burning: bool = False
    parent: Path | None = None
    """where its directory is made; None: the system's temporary directory"""

    @property
    def feed(self) -> Feed:
        """Return its configuration."""
        return Feed(fanout=self.fanout, slow_seconds=self.slow_seconds, burning=self.burning)

    @property
    def says(self) -> str:
        """Return it in words."""
        slow = f", {self.slow_seconds * 1000:g} ms of CPU a message" if self.slow_seconds else ""
        burning = ", another Handler burning" if self.burning else ""
        outbounds = f"{self.fanout} outbound{'s' * (self.fanout != 1)}"
        return f"an engine of its own on a fresh SQLite file, {outbounds}{slow}{burning}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be run, and how long to wait for what does not come."""

    profile: Profile
    size: int = 0
    """pad messages to about so many bytes"""
    patience_seconds: float = 15.0
    """without an arrival, until what is on its way counts as lost; and until the engine has settled what it sent"""

    @property
    def interval_seconds(self) -> float:
        """Return how long an interval of the report is, so that there are few enough of them."""
        return max(SHORTEST_INTERVAL_SECONDS, self.profile.seconds / MOST_INTERVALS)

    def order(self, sink_host: str, sink_ports: tuple[int, ...], receiver: str | None) -> Order:
        """Return what the driving process is told."""
        profile = self.profile
        return Order(
            sink_host=sink_host,
            sink_ports=sink_ports,
            receiver=receiver,
            phases=profile.phases,
            connections=profile.connections,
            window=profile.window,
            size=self.size,
            correlator_capacity=profile.correlator_capacity,
            interval_seconds=self.interval_seconds,
            idle_seconds=self.patience_seconds,
            drain_seconds=max(LONGEST_DRAIN_SECONDS, 2 * (profile.objectives.drain_seconds or 0)),
        )


Show = Callable[[Mapping[str, Any]], None]
"""is given every interval as it ends"""


def run_profile(wanted: Wanted, against: Target | BuiltIn, show: Show) -> Report:
    """Run it, and close the books; raises SubjectError when an engine does not start, listen or answer.

    The first Ctrl-C ends the sending, and the report is about what was sent.
    """
    machine = this_machine(against.parent if isinstance(against, BuiltIn) else None)
    with ending_in_order():
        run = _on_built_in(wanted, against, show) if isinstance(against, BuiltIn) else _on_target(wanted, against, show)
    return report_of(run, wanted.profile, load_facts(wanted, against), against.says, machine)


def load_facts(wanted: Wanted, against: Target | BuiltIn) -> dict[str, Any]:
    """Return what is offered to what, as plain values."""
    profile, own = wanted.profile, against if isinstance(against, BuiltIn) else None
    return {
        "profile": profile.name,
        "connections": profile.connections,
        "window": profile.window,
        "size": wanted.size,
        "outbounds": len(against.sink_ports) if isinstance(against, Target) else against.fanout,
        "slow_seconds": own.slow_seconds if own else 0.0,
        "burning": own.burning if own else False,
        "phases": [asdict(phase) for phase in profile.phases],
    }


def _on_built_in(wanted: Wanted, own: BuiltIn, show: Show) -> Run:
    with ExitStack() as stack:
        drive = stack.enter_context(driving(wanted.order(LOOPBACK, (0,) * own.fanout, RECEIVER)))
        place = stack.enter_context(fresh_workplace(drive.sink_ports, own.parent, feed=own.feed))
        process = stack.enter_context(running(engine(), place)).process
        watch = Watch(EnginePages(LOOPBACK, place.api_port), wanted.interval_seconds, process.pid, place.database)
        burning = background_load(place.ports[-1], 1 / BURN_SECONDS) if own.burning else nullcontext()
        beside = BURNING_INBOUND if own.burning else ""
        meter = Meter(process.pid)
        run = _run(wanted, drive, (LOOPBACK, place.port), watch, [meter, burning], beside, show)
        return replace(run, reading=meter.reading(run.result["cpu_seconds"]))


def _on_target(wanted: Wanted, target: Target, show: Show) -> Run:
    with driving(wanted.order(target.sink_host, target.sink_ports, None)) as drive:
        pages = EnginePages(target.api_host, target.api_port)
        watch = Watch(pages, wanted.interval_seconds, store=target.store)
        return _run(wanted, drive, (target.host, target.port), watch, [], "", show)


def _run(
    wanted: Wanted,
    drive: Driving,
    address: tuple[str, int],
    watch: Watch,
    beside: Sequence[AbstractContextManager[object]],
    uncounted: str,
    show: Show,
) -> Run:
    """Drive the load while all of `beside` is there; `uncounted` is an inbound whose messages are not the load's."""
    before = _counts_before(watch.pages, uncounted, wanted.patience_seconds)
    intervals: list[dict[str, Any]] = []
    with ExitStack() as stack:
        stack.enter_context(watch)
        for each in beside:
            stack.enter_context(each)
        stack.enter_context(on_first_interrupt(drive.stop_sending))
        for facts in drive.run(*address):
            if "sinks" not in facts:
                intervals.append({**facts, **asdict(watch.latest)})
                show(intervals[-1])
    after = _settled(watch.pages, before, facts["accepted"], uncounted, wanted.patience_seconds)
    if intervals and after is not None:
        intervals[-1]["backlog"] = after.waiting  # the watch looked before the engine had settled
    return Run(result=facts, intervals=intervals, before=before, after=after)


def _counts_before(pages: EnginePages, uncounted: str, patience: float) -> Counts:
    """Wait a little for the engine to answer: its API may begin to listen after its inbounds."""
    until = time.monotonic() + patience
    while (counts := pages.counts(uncounted)) is None:
        if time.monotonic() > until:
            where = f"http://{pages.host}:{pages.port}"
            raise SubjectError(f"no engine answers at {where}, and without its counts nothing can be reconciled")
        time.sleep(_POLL_SECONDS)
    return counts


def _settled(pages: EnginePages, before: Counts, accepted: int, uncounted: str, patience: float) -> Counts | None:
    """Return what the engine says as soon as it has settled everything, or when that has lasted too long."""
    until = time.monotonic() + patience
    while True:
        counts = pages.counts(uncounted)
        settled = counts is not None and not counts.waiting and counts.processed - before.processed >= accepted
        if settled or time.monotonic() > until:
            return counts
        time.sleep(_POLL_SECONDS)
