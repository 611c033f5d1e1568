"""Where in a message something differs."""

import re
from dataclasses import dataclass

UNNAMED = "(unnamed segment)"
"""A line that begins with no segment id: what it begins with is content, and shown to nobody."""

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """A segment by id and occurrence, or a place in it. Numbers count from 1; 0 is "the whole".

    `str` gives a path such as `PID-5.1`, `OBX[3]-5` in the third OBX, `PID-3[2].1` in the second repetition.
    """

    segment: str
    occurrence: int = 1
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        segment = _counted(self.segment, self.occurrence)
        return f"{segment}-{self._inside(_counted(str(self.field), self.repetition))}" if self.field else segment

    @property
    def anywhere(self) -> str:
        """The path without occurrence and repetition: what such places in other messages have in common."""
        return f"{self.segment}-{self._inside(str(self.field))}" if self.field else self.segment

    def _inside(self, field: str) -> str:
        numbers = (self.component, self.subcomponent)
        return ".".join([field, *(str(number) for number in numbers if number)])


def segment_name(line: str, separator: str) -> str:
    """The id that a segment begins with, else UNNAMED."""
    name, end = line[:3], line[3:4]
    return name if end in ("", separator) and _SEGMENT.fullmatch(name) else UNNAMED


def _counted(name: str, number: int) -> str:
    return f"{name}[{number}]" if number > 1 else name
