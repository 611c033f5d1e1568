"""Holding one message against a schema: its structure first, then every field of every segment."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from messagefoundry.message import ErrorLocation
from messagefoundry.message.lines import identifier, normalised
from messagefoundry.strict.content import segment_faults
from messagefoundry.strict.faults import Fault, Report, Rule
from messagefoundry.strict.schema import Schema, known_versions, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from messagefoundry.message import Message
    from messagefoundry.strict.structure import Automaton

MOST_FAULTS = 100
"""No more are looked for: nobody reads them, and a broken sender would make us work for nothing."""

VERSION_ID = 12


class TakesTooLongError(Exception):
    """The time that the validation was given is over."""


class Validator:
    """Validates messages of their own version (MSH-12), or all of them as `version`.

    `version` is one of `known_versions()`. It keeps no state between messages, and blocks: tens of microseconds a
    field.
    """

    def __init__(self, version: str | None = None) -> None:
        self._version = version

    def validate(self, message: Message, *, seconds: float | None = None) -> Report:
        """Every fault of a message, at most 100. A version or event without a schema is a warning.

        With a fixed version an event that it has not is a fault. Raises TakesTooLongError after so many seconds.
        """
        until = math.inf if seconds is None else time.monotonic() + seconds
        version = self._version or (message["MSH-12.1"] or "").strip()
        if version not in known_versions():
            return Report(warnings=("MSH-12 names a version without a schema",))
        reading = _Reading(schema_of(version), message, until, fixed=self._version is not None)
        faults = []
        for fault in reading.faults():
            faults.append(fault)
            if len(faults) == MOST_FAULTS:
                break
        return Report(tuple(faults), tuple(reading.warnings))


class _Reading:
    """One message being read. `until` is the time, of the monotonic clock, at which there is no more."""

    def __init__(self, schema: Schema, message: Message, until: float, *, fixed: bool) -> None:
        self.schema = schema
        self.fixed = fixed
        self.message = message
        self.until = until
        self.warnings: list[str] = []
        self.lines = [line for line in normalised(message.encode()).split("\r") if line]
        separator = message.delimiters.field
        self.names = [identifier(line, separator) for line in self.lines]

    def tick(self) -> None:
        """Raise TakesTooLongError when the time is over; called often."""
        if time.monotonic() > self.until:
            raise TakesTooLongError

    def faults(self) -> Iterator[Fault]:
        """The structure's faults first: what is missing decides more than a field does."""
        yield from self._structure()
        occurrences = Counter[str]()
        for name, line in zip(self.names, self.lines, strict=True):
            occurrences[name] += 1
            parts = self.schema.segment(name)
            if parts is not None:
                for rule, place in segment_faults(self.schema, parts, line, self.message.delimiters, self.tick):
                    if not (self.fixed and name == "MSH" and place[0] == VERSION_ID):
                        yield Fault(rule, ErrorLocation(name, occurrences[name], *place))

    def _structure(self) -> Iterator[Fault]:
        event = [self.message[f"MSH-9.{number}"] or "" for number in (1, 2, 3)]
        structure = self.schema.structure(*event)
        if structure is None and self.fixed:
            yield Fault(Rule.STRUCTURE_UNKNOWN, ErrorLocation("MSH", 1, 9))
        elif structure is None:
            self.warnings.append("MSH-9 names an event without a schema in the version of MSH-12")
        else:
            yield from self._misfits(structure)

    def _misfits(self, structure: Automaton) -> Iterator[Fault]:
        places = [place for place, name in enumerate(self.names) if not name.startswith("Z")]
        for misfit in structure.misfits(self._ticking(places)):
            place = places[misfit.place] if misfit.place < len(places) else len(self.names)
            before = Counter(self.names[:place])
            if not misfit.missing and place < len(self.names):
                yield Fault(Rule.SEGMENT_MISPLACED, self._location(place, before[self.names[place]] + 1))
            for name in misfit.missing:
                before[name] += 1
                yield Fault(Rule.SEGMENT_MISSING, ErrorLocation(name, before[name]))

    def _ticking(self, places: Sequence[int]) -> Iterator[str]:
        for place in places:
            self.tick()
            yield self.names[place]

    def _location(self, place: int, occurrence: int) -> ErrorLocation:
        """A segment; one that the version has not is named by its number, as its id may be anything."""
        name = self.names[place]
        return (
            ErrorLocation(name, occurrence) if self.schema.segment(name) is not None else ErrorLocation("", place + 1)
        )
