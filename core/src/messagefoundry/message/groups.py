"""A run of segments of a message, such as one OBR with its OBX."""

from bisect import bisect_left
from typing import TYPE_CHECKING

from .access import Access
from .errors import EditError
from .escapes import Escapes
from .paths import segment_id

if TYPE_CHECKING:
    from .message import Message


class Group(Access):
    """A view on consecutive segments of a message: paths count within it, and writing edits the message.

    Once segments have been added to the message or deleted from it, the view no longer holds: EditError.
    """

    __slots__ = ("_end", "_layout", "_message", "_start")

    def __init__(self, message: "Message", start: int, end: int) -> None:
        """Look at the segments from `start` to before `end`; made by `Message.groups`."""
        self._message = message
        self._start = start
        self._end = end
        self._layout = message._layout

    def __repr__(self) -> str:
        return f"<Group of {len(self.segments())} segments>"

    def segments(self) -> list[str]:
        """The ids of the segments of this group in order."""
        return self._current()._ids(self._start, self._end)

    def count_segments(self, segment: str) -> int:
        """How many segments of this group have this id."""
        return len(self._places(segment_id(segment)))

    def _current(self) -> "Message":
        if self._layout != self._message._layout:
            raise EditError(
                "segments were added or deleted, or the delimiters changed, since groups() was called: call it again"
            )
        return self._message

    def _places(self, segment: str) -> list[int]:
        places = self._current()._places(segment)
        return places[bisect_left(places, self._start) : bisect_left(places, self._end)]

    def _locate(self, segment: str, occurrence: int) -> int | None:
        places = self._places(segment)
        return places[occurrence - 1] if occurrence <= len(places) else None

    def _escapes(self) -> Escapes:
        return self._message._escapes()

    def _fields(self, index: int) -> list[str]:
        return self._message._fields(index)

    def _replace(self, index: int, number: int, notation: str) -> None:
        self._message._replace(index, number, notation)
