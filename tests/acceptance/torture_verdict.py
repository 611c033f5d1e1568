"""The verdict on what many lives of an engine have led to: every way in which it broke its promises, as a sentence."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.acceptance.records import FINAL
from tests.acceptance.torture_partner import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.acceptance.torture_books import Books
    from tests.acceptance.torture_partner import Arrival

UNSETTLED = 32
"""Deliveries of a lane that a kill may repeat, unless the settings say otherwise."""

FILE_DOUBLES_PER_KILL = 0
"""Files that a kill may bring in once more: none, for a message is committed with the bookmark of its file."""

DEATHS = 3
"""So many deaths of the engine during its run make a message a dead letter."""

REFUSED = "AR"
NAMED = 3


@dataclass(frozen=True)
class Evidence:
    """What senders, partners, folders and the store say after the last, orderly stop."""

    books: Books
    sent: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    """control ids that were answered AA"""
    dropped: frozenset[str] = frozenset()
    """control ids of files put into the inbox"""
    left: Sequence[str] = ()
    """files that are still in the inbox, or were set aside"""
    arrivals: Mapping[str, Sequence[Arrival]] = field(default_factory=dict)
    """by lane, in order"""
    written: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """by File lane: control id to the time of writing"""
    lives: Sequence[int] = (0,)
    """when each life of the engine began, in microseconds since the epoch; all but the last were killed"""
    unsettled: int = UNSETTLED
    """deliveries of a lane that a kill may repeat"""
    complaints: Sequence[str] = ()
    """what went wrong on the way"""

    @property
    def kills(self) -> int:
        return len(self.lives) - 1


@dataclass(frozen=True, slots=True)
class Figures:
    """How much was proven."""

    kills: int
    accepted: int
    stored: int
    delivered: int
    """different messages, over all lanes"""
    dead: int
    """messages that are dead letters in the end"""
    duplicates: int
    """arrivals of which no trail knows"""
    worst: int
    """the most of them after one kill in one lane"""


def verdict(evidence: Evidence) -> list[str]:
    """Everything that is wrong; nothing is, when this is empty."""
    return [
        *evidence.complaints,
        *_accounting(evidence),
        *_endings(evidence),
        *_deliveries(evidence),
        *_order(evidence),
        *_repeats(evidence),
    ]


def figures(evidence: Evidence) -> Figures:
    """How much was proven."""
    repeats = repeated(evidence)
    return Figures(
        kills=evidence.kills,
        accepted=len(evidence.accepted) + len(evidence.dropped),
        stored=len(evidence.books.messages),
        delivered=sum(len(taken) for taken in _taken(evidence).values()),
        dead=sum(message.disposition == "ERROR" for message in evidence.books.messages),
        duplicates=repeats.total(),
        worst=max(repeats.values(), default=0),
    )


def repeated(evidence: Evidence) -> Counter[tuple[str, int]]:
    """By lane and life: arrivals of which no trail knows, because their settlement died with that life."""
    unknown: Counter[tuple[str, str, int]] = Counter()
    for lane, arrivals in evidence.arrivals.items():
        unknown.update((lane, arrival.control_id, _life(evidence, arrival.at)) for arrival in arrivals)
    unknown.subtract(
        (attempt.lane, attempt.control_id, _life(evidence, attempt.at)) for attempt in evidence.books.attempts
    )
    repeats: Counter[tuple[str, int]] = Counter()
    for (lane, _, life), count in unknown.items():
        if count > 0:
            repeats[lane, life] += count
    return repeats


def _accounting(evidence: Evidence) -> Iterator[str]:
    stored = Counter(message.control_id for message in evidence.books.messages)
    yield from _say("acknowledged, and not in the store", evidence.accepted - stored.keys())
    yield from _say("put into the inbox, and not in the store", evidence.dropped - stored.keys())
    yield from _say("in the store, and never sent", stored.keys() - evidence.sent - evidence.dropped)
    yield from _say("still in the inbox, or set aside", evidence.left)
    doubles = {control_id for control_id, count in stored.items() if count > 1}
    yield from _say("received once and stored more than once", doubles - evidence.dropped)
    of_files = sum(stored[control_id] - 1 for control_id in doubles & evidence.dropped)
    if of_files > FILE_DOUBLES_PER_KILL * evidence.kills:
        yield f"{of_files} files were brought in once more, by {evidence.kills} kills"


def _endings(evidence: Evidence) -> Iterator[str]:
    books = evidence.books
    dead = {work.control_id for work in books.works if work.state == "dead"}
    ended = {message.control_id: message.disposition for message in books.messages}
    yield from _say("not at its end", (name for name, found in ended.items() if found not in FINAL))
    errors = {name for name, found in ended.items() if found == "ERROR"}
    yield from _say("dead, and not called ERROR", dead - errors)
    yield from _say("called ERROR, without dead work", errors - dead)
    yield from _say("still waiting", (work.control_id for work in books.works if work.state == "waiting"))
    yield from _say("damaged", books.damage)
    if not books.closed:
        yield "the last engine has not noted that it stopped in order"


def _deliveries(evidence: Evidence) -> Iterator[str]:
    """By the store's account each message is delivered or dead in every lane, and what is delivered has arrived."""
    stored = {message.control_id for message in evidence.books.messages}
    buried = _in_state(evidence.books, "", "dead")
    if len(buried) > evidence.kills // DEATHS:
        yield from _say(f"dead before they reached a lane, after {evidence.kills} kills", buried)
    for lane, taken in _taken(evidence).items():
        delivered, dead = (_in_state(evidence.books, lane, state) for state in ("delivered", "dead"))
        refused = {arrival.control_id for arrival in evidence.arrivals.get(lane, ()) if arrival.code == REFUSED}
        yield from _say(f"dead in {lane}, which did not refuse them", dead - refused)
        yield from _say(f"neither delivered to {lane} nor dead", stored - delivered - dead - buried)
        yield from _say(f"delivered to {lane} by the store's account alone", delivered - taken)
        yield from _say(f"arrived at {lane}, and not in the store", taken - stored)


def _in_state(books: Books, lane: str, state: str) -> set[str]:
    return {work.control_id for work in books.works if (work.lane, work.state) == (lane, state)}


def _order(evidence: Evidence) -> Iterator[str]:
    """Each partner sees messages for the first time in the order of their work."""
    for lane, seen in _first_sights(evidence).items():
        place: dict[str, int] = {}
        for work in evidence.books.works:
            if work.lane == lane:
                place.setdefault(work.control_id, work.id)
        places = [place[control_id] for control_id in seen if control_id in place]
        swapped = sum(later < earlier for earlier, later in itertools.pairwise(places))
        if swapped:
            yield f"{lane} saw {swapped} of {len(places)} messages before one that is ahead of it"


def _repeats(evidence: Evidence) -> Iterator[str]:
    for (lane, life), count in sorted(repeated(evidence).items()):
        allowed = evidence.unsettled if life < evidence.kills else 0
        if count > allowed:
            end = f"kill {life + 1}" if life < evidence.kills else "an orderly stop"
            yield f"{count} arrivals at {lane} are on no trail after {end}, where {allowed} may be"


def _taken(evidence: Evidence) -> dict[str, set[str]]:
    """By lane: the messages for which its partner has taken responsibility."""
    taken = {
        lane: {arrival.control_id for arrival in arrivals if arrival.code == ACCEPTED}
        for lane, arrivals in evidence.arrivals.items()
    }
    return taken | {lane: set(files) for lane, files in evidence.written.items()}


def _first_sights(evidence: Evidence) -> dict[str, list[str]]:
    """By lane: control ids in the order of first sight; files by their times, which may be equal."""
    sights = {
        lane: list(dict.fromkeys(arrival.control_id for arrival in arrivals))
        for lane, arrivals in evidence.arrivals.items()
    }
    for lane, files in evidence.written.items():
        order = {work.control_id: work.id for work in reversed(evidence.books.works) if work.lane == lane}
        sights[lane] = sorted(files, key=lambda name: (files[name], order.get(name, 0)))
    return sights


def _life(evidence: Evidence, at: int) -> int:
    return max(0, bisect_right(evidence.lives, at) - 1)


def _say(what: str, found: Iterable[str]) -> Iterator[str]:
    names = sorted(set(found))
    if names:
        more = "" if len(names) <= NAMED else f" and {len(names) - NAMED} more"
        yield f"{what}: {', '.join(names[:NAMED])}{more}"
