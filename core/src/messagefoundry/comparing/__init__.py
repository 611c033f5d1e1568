"""What differs between two runs over the same messages. Pure values: no input, no output."""

from .changes import BytesDiffer, Change, FieldChange, Kind, SegmentAdded, SegmentRemoved, SpellingDiffers
from .contents import Excerpt, excerpts
from .ignoring import NOTHING, Ignoring, Pattern, PatternError
from .payloads import compare_messages, compare_payloads
from .places import UNNAMED, Place
from .runs import Difference, OutputDifference, Run, Sent, compare_runs
from .tally import Group, Tally

__all__ = [
    "NOTHING",
    "UNNAMED",
    "BytesDiffer",
    "Change",
    "Difference",
    "Excerpt",
    "FieldChange",
    "Group",
    "Ignoring",
    "Kind",
    "OutputDifference",
    "Pattern",
    "PatternError",
    "Place",
    "Run",
    "SegmentAdded",
    "SegmentRemoved",
    "Sent",
    "SpellingDiffers",
    "Tally",
    "compare_messages",
    "compare_payloads",
    "compare_runs",
    "excerpts",
]
