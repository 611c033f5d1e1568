"""Places whose changes do not matter, such as the time at which a message was made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .places import Place

FORMS = "SEG, SEG-field, SEG-field.component or SEG-field.component.subcomponent"

_NUMBER = r"([1-9][0-9]{0,3}|\*)"
_PATTERN = re.compile(
    rf"([A-Z*?][A-Z0-9*?]{{0,2}})(?:\[{_NUMBER}\])?"
    rf"(?:-{_NUMBER}(?:\[{_NUMBER}\])?(?:\.{_NUMBER}(?:\.{_NUMBER})?)?)?"
)


class PatternError(ValueError):
    """Not a pattern; the text says how one is written."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Some places: `OBX-14` in every OBX and repetition, `OBX[2]-14` in the second, `PID-3.4`, `ZPI` as a whole.

    In the segment's id, `*` stands for any characters and `?` for one; `*` stands for any number. None is "any".
    """

    text: str
    segment: str
    occurrence: int | None = None
    field: int | None = None
    repetition: int | None = None
    component: int | None = None
    subcomponent: int | None = None

    @classmethod
    def of(cls, text: str) -> "Pattern":
        """Read one. Raises PatternError."""
        text = text.strip().upper()
        found = _PATTERN.fullmatch(text)
        if found is None or not (len(found[1]) == 3 or "*" in found[1]):
            raise PatternError(f"{text!r} names no place: write {FORMS}, such as MSH-7, OBX-14 or Z*")
        segment, *numbers = found.groups()
        return cls(text, segment, *(None if number in (None, "*") else int(number) for number in numbers))

    def __str__(self) -> str:
        return self.text

    def covers(self, place: Place) -> bool:
        """Whether all of `place` is meant. A place without structure is its own first component."""
        if not self._in_field(place):
            return False
        inner = (
            (self.repetition, place.repetition),
            (self.component, place.component),
            (self.subcomponent, place.subcomponent),
        )
        return all(wanted is None or wanted == max(number, 1) for wanted, number in inner)

    def looks_into(self, place: Place) -> bool:
        """Whether only a part of a field is meant, of the field in which `place` is."""
        inner = (self.repetition, self.component, self.subcomponent)
        return self._in_field(place) and any(number is not None for number in inner)

    def _in_field(self, place: Place) -> bool:
        return (
            fnmatchcase(place.segment, self.segment)
            and self.occurrence in (None, place.occurrence)
            and self.field in (None, place.field)
        )


@dataclass(frozen=True, slots=True)
class Ignoring:
    """Patterns that are looked at together."""

    patterns: Sequence[Pattern] = ()

    def covers(self, place: Place) -> bool:
        """Whether a change of `place` does not matter."""
        return any(pattern.covers(place) for pattern in self.patterns)

    def looks_into(self, place: Place) -> bool:
        """Whether a change of `place` may matter in part."""
        return any(pattern.looks_into(place) for pattern in self.patterns)


NOTHING = Ignoring()
