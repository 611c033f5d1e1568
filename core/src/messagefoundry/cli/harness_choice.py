"""Which message shows what: found by dry runs of the configuration over the user's messages and made-up ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.cli.rehearsal import REFUSED, receivers, rehearsals
from messagefoundry.cli.sources import Source, as_on_the_wire
from messagefoundry.generate import KINDS, series

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from messagefoundry.cli.rehearsal import Rehearsed
    from messagefoundry.wiring.graph import Graph, Inbound

    Outcome = Sequence[Rehearsed]
    """What would become of a message, and then of each that is passed on of it."""

EXPECTED = {
    "processed": "PROCESSED",
    "filtered": "FILTERED",
    "unrouted": "UNROUTED",
    "error": "ERROR",
    "dead_letter": "ERROR, then PROCESSED",
}
"""The scenarios, and the disposition that each proves. A dead letter is one until it is replayed."""

MADE_UP = "made up"
SEED = 1
MOST_MAIMED = 12
"""So many messages are tried without one of their segments, to find one that a Handler cannot take."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The message that shows a scenario, and the inbound it goes to.

    For a dead letter also the lane whose partner fails, and whether that lane is meant to try again after an AE.
    `pass_throughs` are the inbounds that are followed when something is passed on to them.
    """

    scenario: str
    inbound: str
    source: Source
    lane: str = ""
    tries_again: bool = True
    pass_throughs: frozenset[str] = frozenset()


@dataclass(slots=True)
class Choice:
    """What has been found; `reasons` has a sentence for each scenario that nothing was found for.

    `second_best` has what shows a scenario less well than what may still be found.
    """

    picks: dict[str, Pick] = field(default_factory=dict)
    second_best: dict[str, Pick] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    tried: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """With what a choice is made: the inbounds that can be sent to, and the lanes whose partner the harness plays.

    `needed` says what is needed for it to play one when it plays none.
    """

    graph: Graph
    inbounds: Collection[str]
    lanes: Collection[str]
    needed: str

    def receivers(self, source: Source) -> list[Inbound]:
        """The inbounds that a message may be sent to; the one in its path first of all."""
        meant = [each for each in receivers(self.graph, source) if self._takes(each)]
        return meant or [each for each in self.graph.inbounds.values() if self._takes(each)]

    def _takes(self, inbound: Inbound) -> bool:
        return inbound.name in self.inbounds and inbound.content_type == "hl7v2"

    def outcome(self, inbound: Inbound, source: Source) -> Outcome:
        """What would become of a message, and of everything that is passed on of it within the engine."""
        return list(rehearsals(self.graph, [source], inbound.name))

    def pick(self, scenario: str, source: Source, found: Outcome) -> Pick:
        """The message, as found, for a scenario."""
        lane = self.lane_of(found) if scenario == "dead_letter" else ""
        followed = frozenset(each.name for each in self.graph.inbounds.values() if each.settings.fed_by == "sends")
        return Pick(scenario, found[0].inbound, source, lane, not lane or self._tries_again(lane), followed)

    def _tries_again(self, lane: str) -> bool:
        outbound = self.graph.outbounds[lane]
        answers = getattr(outbound.settings, "nak", None) or {}
        return outbound.retry.max_attempts != 1 and answers.get("AE") != "dead"

    def lane_of(self, found: Outcome) -> str:
        """The first lane to which something goes whose partner the harness plays; "" for none."""
        sent = (each.to for message in found for each in message.deliveries)
        return next((lane for lane in sent if lane in self.lanes), "")

    def shows(self, scenario: str, found: Outcome) -> bool:
        """Whether an outcome is what a scenario is to prove."""
        message = found[0]
        if scenario == "error":
            return message.disposition == "ERROR" and not any(each.startswith(REFUSED) for each in message.errors)
        if scenario == "dead_letter":
            return message.disposition == "PROCESSED" and bool(self.lane_of(found)) and not _fails(found)
        return message.disposition == EXPECTED[scenario]


def choose(means: Means, scenarios: Sequence[str], given: Mapping[str, Source], candidates: Iterable[Source]) -> Choice:
    """Find a message for each scenario: the one that was given, or the first candidate whose dry run shows it."""
    choice = Choice()
    for scenario in scenarios:
        if scenario in given:
            _take(choice, means, scenario, given[scenario])
    wanted = [each for each in scenarios if each not in given]
    if "dead_letter" in wanted and not means.lanes:
        wanted.remove("dead_letter")
        choice.reasons["dead_letter"] = means.needed
    for source in candidates if wanted else ():
        _try(choice, means, wanted, source)
        if all(each in choice.picks for each in wanted):
            break
    choice.picks = {**choice.second_best, **choice.picks}
    for each in wanted:
        if each not in choice.picks:
            choice.reasons[each] = _nothing(each, choice.tried)
    return choice


def _take(choice: Choice, means: Means, scenario: str, source: Source) -> None:
    """Take the message that was given, whatever a dry run says of it: the engine is to judge."""
    meant = means.receivers(source)
    if not meant:
        choice.reasons[scenario] = "there is no inbound of HL7 v2 that it can be sent to"
        return
    outcomes = [means.outcome(each, source) for each in meant]
    fitting = [found for found in outcomes if means.shows(scenario, found)]
    pick = means.pick(scenario, source, (fitting or outcomes)[0])
    if scenario == "dead_letter" and not pick.lane:
        choice.reasons[scenario] = "nothing of this message goes to an outbound whose partner the harness plays"
        return
    choice.picks[scenario] = pick


def _try(choice: Choice, means: Means, wanted: Sequence[str], source: Source) -> None:
    choice.tried += 1
    for inbound in means.receivers(source):
        missing = [each for each in wanted if each not in choice.picks]
        found = means.outcome(inbound, source)
        for scenario in missing:
            if means.shows(scenario, found):
                fitting = choice.second_best if scenario == "processed" and not _delivers(found) else choice.picks
                fitting.setdefault(scenario, means.pick(scenario, source, found))


def _delivers(found: Outcome) -> bool:
    """Whether something is sent to a partner, and nothing that is passed on fails."""
    return any(each.deliveries for each in found) and not _fails(found)


def _fails(found: Outcome) -> bool:
    return any(each.disposition == "ERROR" for each in found)


def _nothing(scenario: str, tried: int) -> str:
    ends = "ends as a dead letter there" if scenario == "dead_letter" else f"would be {EXPECTED[scenario]}"
    return f"none of {tried} messages tried {ends}: give one with --message {scenario}=FILE"


def candidates(samples: Sequence[Source]) -> Iterator[Source]:
    """The user's messages, then one of every type that `generate` knows, then some that lack a segment."""
    yield from samples
    every_type = islice(series(KINDS, SEED), len(KINDS))
    made_up = [Source(f"{MADE_UP} {each.kind.name}", Path(), each.raw) for each in every_type]
    yield from made_up
    for source in [*samples, *made_up][:MOST_MAIMED]:
        yield from _maimed(source)


def _maimed(source: Source) -> Iterator[Source]:
    """The same message without each of its kinds of segments."""
    segments = [each for each in as_on_the_wire(source.raw).split(b"\r") if each]
    for name in dict.fromkeys(each[:3] for each in segments[1:]):
        kept = [each for each in segments if not each.startswith(name)]
        label = f"{source.label} without {name.decode('latin-1')}"
        yield Source(label, source.path, b"\r".join(kept) + b"\r")
