"""What validation finds: where and which rule, never the value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from messagefoundry.message import ErrorLocation, Refusal, RefusalKind

MOST_SHOWN = 10


class Rule(Enum):
    """What is broken: the kind of refusal, whose code is ERR-3 (table 0357), and a few words."""

    SEGMENT_MISSING = RefusalKind.SEGMENT_SEQUENCE, "the segment is missing"
    SEGMENT_MISPLACED = RefusalKind.SEGMENT_SEQUENCE, "the segment may not stand here"
    STRUCTURE_UNKNOWN = RefusalKind.TABLE_VALUE_NOT_FOUND, "the version has no such message"
    REQUIRED = RefusalKind.REQUIRED_FIELD_MISSING, "a value is required"
    REPEATED = RefusalKind.DATA_TYPE, "there are too many repetitions"
    UNDEFINED = RefusalKind.DATA_TYPE, "the version has no such place"
    DATA_TYPE = RefusalKind.DATA_TYPE, "the value is not of its data type, or too long for it"
    TABLE = RefusalKind.TABLE_VALUE_NOT_FOUND, "the value is not in its table"

    def __init__(self, kind: RefusalKind, words: str) -> None:
        """Name the parts of a member."""
        self.kind = kind
        self.words = words


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    rule: Rule
    location: ErrorLocation

    @property
    def code(self) -> int:
        """ERR-3, of table 0357: 100 to 103."""
        return self.rule.kind.code

    @property
    def refusal(self) -> Refusal:
        """The refusal for it."""
        return Refusal(self.rule.kind, self.location)

    def __str__(self) -> str:
        return f"{self.location.name}: {self.rule.words}"


@dataclass(frozen=True, slots=True)
class Report:
    """All faults of a message in the order of its segments, and what it could not be held against."""

    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The first faults in a line: "PID-3: a value is required; PV1: the segment is missing; and 3 more"."""
        shown = [str(fault) for fault in self.faults[:MOST_SHOWN]]
        more = len(self.faults) - len(shown)
        return "; ".join([*shown, f"and {more} more"] if more else shown)
