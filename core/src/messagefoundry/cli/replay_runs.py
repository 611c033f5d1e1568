"""Running messages through configurations, one after the other, and comparing what comes out."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.cli.rehearsal import REFUSED, judged
from messagefoundry.cli.replay_cases import Case, NotCompared
from messagefoundry.comparing import Difference, Ignoring, Kind, Run, Sent, compare_runs
from messagefoundry.pipeline.transform import transform
from messagefoundry.wiring.environment import active_environment
from messagefoundry.wiring.reference_direct import DirectReferences
from messagefoundry.wiring.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from messagefoundry.wiring.graph import Graph, Inbound

NO_INBOUND = "no such inbound"
SETTLING_SECONDS = 0.02
"""For so long after a second began, the clock that time stamps are read from may still show the one before."""

HELD_BYTES = 32 * 1024 * 1024
"""How much may wait for its second run."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found about one message. `by_chance` has the kinds in which two runs of the candidate differ."""

    case: Case
    difference: Difference
    by_chance: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class _Held:
    """A changed message that waits for its second run; `due` is a time of the monotonic clock."""

    case: Case
    difference: Difference
    run: Run
    due: float

    @property
    def size(self) -> int:
        return len(self.case.raw) + sum(len(sent.payload) for sent in self.run.sent)


def run_once(graph: Graph, name: str, raw: bytes, running: Running) -> Run:
    """Judge a message as intake does, and run Router and Handlers over it, as the live engine runs them."""
    inbound = graph.inbounds.get(name)
    if inbound is None:
        return Run(NO_INBOUND)
    summary, why = judged(inbound, raw)
    if why or summary is None:
        return Run("ERROR", errors=(f"{REFUSED}: {why}",))
    return _routed(graph, inbound, raw, summary.encoding, running)


def _routed(graph: Graph, inbound: Inbound, raw: bytes, encoding: str, running: Running) -> Run:
    with active_environment(graph.environment):
        outcome = transform(graph, inbound, raw, encoding, running)
    sent = [
        Sent(each.lane, each.handler, each.payload, graph.outbounds[each.lane].settings.output_encoding() or encoding)
        for each in outcome.outgoing
    ]
    sent += [Sent(each.inbound, "", each.raw, each.encoding) for each in outcome.passed]
    errors = [failed.error.partition("\n")[0] for failed in outcome.failed]
    return Run("ERROR" if outcome.failed else outcome.routing, tuple(sent), tuple(errors))


def next_second(moment: float) -> float:
    """When whatever stamps the second is sure to stamp another than at `moment`."""
    return int(moment) + 1 + SETTLING_SECONDS


class Replay:
    """Messages through a candidate, compared with their history or with what `against` makes of them.

    A changed message runs a second time, in a later second of the clock, so that a Handler shows that writes the time.
    """

    def __init__(
        self, candidate: Graph, against: Graph | None = None, *, inbound: str | None = None, ignoring: Ignoring
    ) -> None:
        self._candidate = candidate
        self._against = against
        self._services = [DirectReferences(candidate), DirectReferences(against or candidate)]
        self._inbound = inbound
        self._ignoring = ignoring
        self._held: deque[_Held] = deque()
        self._bytes = 0

    def results(self, cases: Iterable[Case | NotCompared]) -> Iterator[Result | NotCompared]:
        """One for each message; changed ones come a little later than they were read."""
        for case in cases:
            if isinstance(case, NotCompared):
                yield case
                continue
            run = self._run(case)
            difference = compare_runs(self._then(case), run, self._ignoring)
            if difference:
                self._hold(_Held(case, difference, run, self._due()))
            else:
                yield Result(case, difference)
            while self._held and (self._held[0].due <= time.monotonic() or self._bytes > HELD_BYTES):
                yield self._second_look()
        while self._held:
            time.sleep(max(0.0, self._held[0].due - time.monotonic()))
            yield self._second_look()

    def _run(self, case: Case) -> Run:
        return self._run_in(self._candidate, case)

    def _run_in(self, graph: Graph, case: Case) -> Run:
        services = self._services[graph is not self._candidate]
        running = Running(case.received_at, case.message_id, services=services)
        return run_once(graph, self._inbound or case.inbound, case.raw, running)

    def _then(self, case: Case) -> Run:
        if self._against is not None:
            return self._run_in(self._against, case)
        assert case.then is not None
        return case.then

    def _due(self) -> float:
        moment = time.time()
        return time.monotonic() + next_second(moment) - moment

    def _hold(self, held: _Held) -> None:
        self._held.append(held)
        self._bytes += held.size

    def _second_look(self) -> Result:
        held = self._held.popleft()
        self._bytes -= held.size
        by_chance = compare_runs(held.run, self._run(held.case), self._ignoring).kinds()
        return Result(held.case, held.difference, frozenset(by_chance))
