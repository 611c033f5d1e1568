"""The ways in which one output differs from another. The repr of none shows a value."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .places import Place


class Kind(NamedTuple):
    """What many changes have in common: to which outbound, where, and what happened there."""

    to: str
    """An outbound, or "" for what befalls a message as a whole."""
    path: str
    """`PID-5.1` in whatever occurrence and repetition; "" for a whole payload."""
    what: str
    """Such as "changed"."""

    def __str__(self) -> str:
        return f"{self.path} {self.what}" if self.path else self.what


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field, repetition, component or subcomponent whose notation differs; None is one that is not written at all.

    The place counts segments as the first message has them.
    """

    place: Place
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self.place)

    def kind(self, to: str) -> Kind:
        """What it has in common with others."""
        if not self.before and not self.after:
            return Kind(to, self.place.segment, "has other delimiters at an end")
        what = "filled in" if not self.before else "emptied" if not self.after else "changed"
        return Kind(to, self.place.anywhere, what)


@dataclass(frozen=True, slots=True)
class SegmentRemoved:
    """A segment that only the first message has; the place counts in that one."""

    place: Place
    line: str = field(repr=False)

    @property
    def path(self) -> str:
        """Which segment it is."""
        return str(self.place)

    def kind(self, to: str) -> Kind:
        """What it has in common with others."""
        return Kind(to, self.place.segment, "segment removed")


@dataclass(frozen=True, slots=True)
class SegmentAdded:
    """A segment that only the second message has; place and index (MSH is 0) count in that one."""

    place: Place
    index: int
    line: str = field(repr=False)

    @property
    def path(self) -> str:
        """Which segment it is."""
        return str(self.place)

    def kind(self, to: str) -> Kind:
        """What it has in common with others."""
        return Kind(to, self.place.segment, "segment added")


@dataclass(frozen=True, slots=True)
class SpellingDiffers:
    """All fields agree, and the bytes do not: other line ends, another character set, a byte order mark."""

    @property
    def path(self) -> str:
        """Nowhere in particular."""
        return ""

    def kind(self, to: str) -> Kind:
        """What it has in common with others."""
        return Kind(to, "", "same fields in other bytes (line ends, character set, byte order mark)")


@dataclass(frozen=True, slots=True)
class BytesDiffer:
    """Two outputs that are not both HL7 v2: the line and the byte, counted from 1, at which they part."""

    line: int
    byte: int

    @property
    def path(self) -> str:
        """Where they part."""
        return f"line {self.line}, byte {self.byte}"

    def kind(self, to: str) -> Kind:
        """What it has in common with others."""
        return Kind(to, "", "content differs")


Change = FieldChange | SegmentAdded | SegmentRemoved | SpellingDiffers | BytesDiffer
