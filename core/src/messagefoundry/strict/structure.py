"""Which segments may follow each other in a message: a finite automaton made of its structure.

Reading segment by segment takes a time that grows with the message alone, whatever is wrong with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST_GAP = 4
"""So many missing segments in a row are named; beyond that a segment counts as one out of place."""

START = 0


@dataclass(frozen=True, slots=True)
class Element:
    """A segment, or a group of elements that stand one after the other (or, for a choice, one of them)."""

    segment: str = ""
    parts: tuple[Element, ...] = ()
    choice: bool = False
    optional: bool = False
    repeats: bool = False


class Misfit(NamedTuple):
    """Where a message leaves its structure: before segment `place` (from 0) there should be those `missing`.

    When none is, the segment itself may not stand there.
    """

    place: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Automaton:
    """Position 0 is the start; `names[p]` is the segment at position p, `follow[p]` what may come next."""

    names: tuple[str, ...]
    follow: tuple[frozenset[int], ...]
    last: frozenset[int]

    def misfits(self, segments: Iterable[str]) -> Iterator[Misfit]:
        """Every place where segment ids, as they follow each other, differ from the structure."""
        at = frozenset((START,))
        index = -1
        for index, name in enumerate(segments):
            reached = self._step(at, name)
            if not reached:
                missing = self._gap(at, name)
                yield Misfit(index, missing[0])
                reached = missing[1] or at
            at = reached
        if not at & self.last:
            yield Misfit(index + 1, self._gap(at, "")[0])

    def _step(self, at: frozenset[int], name: str) -> frozenset[int]:
        return frozenset(to for place in at for to in self.follow[place] if self.names[to] in (name, ANY))

    def _gap(self, at: frozenset[int], name: str) -> tuple[tuple[str, ...], frozenset[int]]:
        """The fewest segments after which `name` may follow (the end, for none), and where it then leads."""
        waiting: deque[tuple[int, tuple[str, ...]]] = deque((place, ()) for place in sorted(at))
        seen = set(at)
        while waiting:
            place, missing = waiting.popleft()
            if missing and (place in self.last if not name else self._step(frozenset((place,)), name)):
                return missing, self._step(frozenset((place,)), name) if name else frozenset()
            if len(missing) < LONGEST_GAP:
                for to in sorted(self.follow[place] - seen):
                    seen.add(to)
                    waiting.append((to, (*missing, self.names[to])))
        return (), frozenset()


ANY = "ANYHL7SEGMENT"
"""Stands for a segment of any name."""


class _Span(NamedTuple):
    first: frozenset[int]
    last: frozenset[int]
    empty: bool


def automaton(message: Element) -> Automaton:
    """The automaton of a message's structure (Glushkov's construction)."""
    names, follow = [""], [set[int]()]
    span = _span(message, names, follow)
    follow[START] |= span.first
    last = span.last | ({START} if span.empty else set())
    return Automaton(tuple(names), tuple(map(frozenset, follow)), frozenset(last))


def _span(element: Element, names: list[str], follow: list[set[int]]) -> _Span:
    if element.segment:
        names.append(element.segment)
        follow.append(set())
        span = _Span(frozenset((len(names) - 1,)), frozenset((len(names) - 1,)), False)
    else:
        spans = [_span(part, names, follow) for part in element.parts]
        span = _one_of(spans) if element.choice else _one_after_the_other(spans, follow)
    if element.repeats:
        for place in span.last:
            follow[place] |= span.first
    return _Span(span.first, span.last, span.empty or element.optional)


def _one_of(spans: Sequence[_Span]) -> _Span:
    return _Span(
        frozenset().union(*(span.first for span in spans)),
        frozenset().union(*(span.last for span in spans)),
        any(span.empty for span in spans),
    )


def _one_after_the_other(spans: Sequence[_Span], follow: list[set[int]]) -> _Span:
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty = True
    for span in spans:
        for place in last:
            follow[place] |= span.first
        first = first | span.first if empty else first
        last = last | span.last if span.empty else span.last
        empty = empty and span.empty
    return _Span(first, last, empty)
