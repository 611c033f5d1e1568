"""Copying segments between messages, and numbering them."""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING, Final

from messagefoundry.message import MissingSegmentError

if TYPE_CHECKING:
    from messagefoundry.message import Group, Message

HEADERS: Final = frozenset({"MSH", "FHS", "BHS"})

_WITH_SET_ID: Final = (
    "AFF AIG AIL AIP AIS AL1 ARV BPO BPX BTX BUI CDO CER CM0 CM1 CM2 CON DB1 DG1 DSP EDU FT1 GT1 IAM ILT IN1 IN3 IVT "
    "LAN MCP NK1 NTE OBR OBX ORG PAC PCE PID PKG PR1 PV1 PYE REL RGS RQD RXV SGH SGT SPM TQ1 TQ2 TXA UB1 UB2 VND"
)
SET_ID_SEGMENTS: Final = frozenset(_WITH_SET_ID.split())
"""The segments of v2.3 to v2.8.2 whose first field is a Set ID (SI): their place among those of the same id."""


def copy_segments(
    source: Message | Group, target: Message, segment: str, *, after: str | None = None, numbered: bool = True
) -> int:
    """Copy every segment with this id from a message, or a group of its segments, into another; how many there are.

    They go behind the last segment `after` of the target, by default behind the last one of the same id, else to the
    end. Structure and text stay the same where the two messages have other delimiters or another character set. Unless
    `numbered` is False, all segments of this id in the target then have the set ids 1, 2, 3 and so on, if the standard
    gives it a set id (`SET_ID_SEGMENTS`); number a segment of your own with `renumber`.
    ValueError for MSH, FHS and BHS, PathError for what is no segment id, MissingSegmentError when the target has no
    segment `after`.

    >>> from messagefoundry.message import Message
    >>> admission = Message.parse("MSH|^~\\\\&|\\rPID|1\\rNK1|1|ONE^ANN\\rNK1|2|TWO^BEN\\rPV1|1|I")
    >>> order = Message.parse("MSH|#~*+|\\rPID|1\\rORC|NW")
    >>> copy_segments(admission, order, "NK1", after="PID")
    2
    >>> order.encode().split("\\r")
    ['MSH|#~*+|', 'PID|1', 'NK1|1|ONE#ANN', 'NK1|2|TWO#BEN', 'ORC|NW']
    """
    if segment in HEADERS:
        raise ValueError(f"{segment} belongs to its message and is not copied")
    copies = [_fields(source, segment, number) for number in range(1, source.count_segments(segment) + 1)]
    place = _behind(target, segment, after)
    first = target.segments()[:place].count(segment) + 1
    for number, fields in enumerate(copies):
        target.add_segment(segment + target.delimiters.field * len(fields), index=place + number)
        for field, value in enumerate(fields, start=1):
            target.set(f"{segment}-{field}", value, occurrence=first + number)
    if copies and numbered and segment in SET_ID_SEGMENTS:
        renumber(target, segment)
    return len(copies)


def renumber(message: Message, segment: str, *, within: str | None = None) -> int:
    """Write 1, 2, 3 and so on into the first field of every segment with this id; how many there are.

    With `within` the count starts again behind each segment of that id, as OBX-1 does behind each OBR; segments before
    the first of those stay as they are. PathError for what is no segment id.

    >>> from messagefoundry.message import Message
    >>> result = Message.parse("MSH|^~\\\\&|\\rOBR|1\\rOBX|7\\rOBX|8\\rOBR|2\\rOBX|9")
    >>> renumber(result, "OBX", within="OBR")
    3
    >>> result.encode().split("\\r")[1:]
    ['OBR|1', 'OBX|1', 'OBX|2', 'OBR|2', 'OBX|1']
    """
    numbered = 0
    for part in [message] if within is None else message.groups(within):
        here = part.count_segments(segment)
        for number in range(1, here + 1):
            part.set(f"{segment}-1", str(number), occurrence=number)
        numbered += here
    return numbered


def _fields(source: Message | Group, segment: str, occurrence: int) -> list[str]:
    values = (source.field(f"{segment}-{number}", occurrence=occurrence) for number in count(1))
    return [value for value in takewhile(lambda value: value is not None, values) if value is not None]


def _behind(target: Message, segment: str, after: str | None) -> int:
    ids = target.segments()
    anchor = segment if after is None else after
    if target.count_segments(anchor):
        return len(ids) - ids[::-1].index(anchor)
    if after is not None:
        raise MissingSegmentError(f"segments are to be copied behind {after}, and the message has no segment {after}")
    return len(ids)
