"""Two contents of which nothing is known but their bytes or characters."""

from dataclasses import dataclass, field
from typing import AnyStr

from .changes import BytesDiffer

BEFORE, DIFFERING, BEHIND = 30, 120, 30
"""How many characters an excerpt shows before, in and behind what differs."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a text in which it differs from another: what both have before it, what differs, what both have."""

    head: str = field(default="", repr=False)
    differing: str = field(default="", repr=False)
    tail: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.head}{self.differing}{self.tail}"


def bytes_differ(before: bytes, after: bytes) -> BytesDiffer:
    """Where two different contents part; a line ends in CR, LF or both."""
    same = common_beginning(before, after)
    head = before[:same]
    lines = head.count(b"\n") + head.count(b"\r") - head.count(b"\r\n")
    return BytesDiffer(lines + 1, same + 1)


def common_beginning(before: AnyStr, after: AnyStr) -> int:
    """How much both begin with; what is known to be equal is not looked at again."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def excerpts(before: str, after: str) -> tuple[Excerpt, Excerpt]:
    """Both texts around the place where they differ; what is left out shows as an ellipsis with its length."""
    begin = common_beginning(before, after)
    end = common_beginning(before[begin:][::-1], after[begin:][::-1])
    return excerpt(before, begin, len(before) - end), excerpt(after, begin, len(after) - end)


def excerpt(text: str, begin: int, end: int) -> Excerpt:
    """`text` around what stands from `begin` to `end`."""
    head = text[max(0, begin - BEFORE) : begin]
    differing = text[begin:end][:DIFFERING]
    tail = text[end : end + BEHIND]
    return Excerpt(
        _left_out(begin - len(head)) + head,
        differing + _left_out(end - begin - len(differing)),
        tail + _left_out(len(text) - end - len(tail)),
    )


def _left_out(characters: int) -> str:
    return f"[… {characters:,} …]" if characters else ""
