"""One measured run: a subject between a sink and a generator, each a process of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .backlog import measure_backlog
from .cases import Case, Conditions
from .feeds import BURN_SECONDS
from .measurement import Measurement, Observed
from .meter import Meter
from .subject import Running, SubjectError, commits_by_api, commits_by_log, running
from .tools import SinkProcess, background_load, load_result, running_sink
from .workplace import RECEIVER, Workplace, fresh_workplace

Progress = Callable[[str], None]

NOTHING: dict[str, Any] = {"ports": []}


def measure(case: Case, pair: int, conditions: Conditions, progress: Progress) -> Measurement:
    """Run a case in a fresh workplace; raises SubjectError when its subject does not start."""
    if case.backlog:
        progress(f"a backlog of {case.backlog:,}")
        return measure_backlog(case, pair, conditions)
    with (
        running_sink([0] * case.feed.fanout, RECEIVER) as sink,
        fresh_workplace(sink.ports, conditions.parent, keep=conditions.keep, feed=case.feed) as place,
        borrowed(case.store, place),
    ):
        progress("starting")
        with running(case.subject, place) as subject:
            observed = _Run(place, sink, case, conditions, progress).observe(subject)
        if observed.commits is None:
            observed = replace(observed, commits=_logged_commits(place, observed))
        return observed.measurement(case, pair)


@contextmanager
def borrowed(store: Path | None, place: Workplace) -> Iterator[None]:
    """Put a seeded store in its place, and give it back with what the run has added: copying it would cost minutes."""
    if store is None:
        yield
        return
    store.rename(place.database)
    yield
    _take_away(place.database, store)


def _take_away(database: Path, store: Path) -> None:
    """Move a closed store; raises SubjectError when there is none, or a part of it is still in its log."""
    log = database.with_name(f"{database.name}-wal")
    if not database.is_file():
        raise SubjectError("the engine keeps no SQLite store, which this scenario needs")
    if log.is_file() and log.stat().st_size:
        raise SubjectError("the engine has not closed its store, which this scenario needs")
    database.rename(store)


def _logged_commits(place: Workplace, observed: Observed) -> float | None:
    """Return the measured part of the commits that a subject counted over its whole life."""
    commits = commits_by_log(place)
    warm = max((port["unique"] for port in observed.before["ports"]), default=0)
    acked = observed.load["acked"]
    return commits * acked / (acked + warm) if commits is not None and acked else None


@dataclass(frozen=True, slots=True)
class _Run:
    """What surrounds a subject while it is measured."""

    place: Workplace
    sink: SinkProcess
    case: Case
    conditions: Conditions
    progress: Progress

    def observe(self, subject: Running) -> Observed:
        """Warm up, send, wait for the backlog; meter the subject from before the first to after the last message."""
        before = self._warm_up()
        commits = commits_by_api(self.place)
        with ExitStack() as stack:
            if self.case.feed.burning:
                stack.enter_context(background_load(self.place.ports[-1], rate=1 / BURN_SECONDS))
            meter = stack.enter_context(Meter(subject.process.pid, self._show, subject.store))
            load, sink = self._round(self.conditions.seconds)
        after = commits_by_api(self.place)
        return Observed(
            load=load,
            sink=sink,
            before=before,
            reading=meter.reading(load["cpu_seconds"] + sink["cpu_seconds"]),
            commits=None if commits is None or after is None else after - commits,
            died=subject.process.poll(),
        )

    def _warm_up(self) -> dict[str, Any]:
        if not self.conditions.warm_up:
            return NOTHING
        self.progress("warming up")
        return self._round(self.conditions.warm_up)[1]

    def _round(self, seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send for so long and await the rest; return the generator's result and the sink's report."""
        journal = self.place.directory / "journal.txt"
        load = load_result(_load_options(self.case, self.place), seconds=seconds, journal=journal)
        return load, self.sink.conclude(load["acked"], journal, self.conditions)

    def _show(self, seconds: float, rss_bytes: int) -> None:
        self.progress(f"{seconds:4.1f} s, {rss_bytes / 1e6:.0f} MB")


def _load_options(case: Case, place: Workplace) -> dict[str, Any]:
    ports = place.ports[: case.feed.pairs]
    return {"port": ports, "connections": case.connections, "rate": case.rate, "size": case.size or None}


def store_of_run(case: Case, messages: int, conditions: Conditions, store: Path) -> None:
    """Run a subject until so many messages have passed through it, and keep its store, closed, at `store`."""
    with (
        running_sink([0] * case.feed.fanout, RECEIVER) as sink,
        fresh_workplace(sink.ports, conditions.parent, feed=case.feed) as place,
    ):
        journal = place.directory / "journal.txt"
        with running(case.subject, place):
            load = load_result(_load_options(case, place), count=messages, journal=journal)
            sink.conclude(load["acked"], journal, conditions)
        _take_away(place.database, store)
