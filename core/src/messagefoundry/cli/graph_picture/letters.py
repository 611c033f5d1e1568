"""How wide text is, and what to do when it is too wide.

The fonts of whoever looks at the picture are not known. Measured is, for each character, with the wider one of DejaVu
Sans Bold and Helvetica Bold, so that text ends earlier rather than later than it was measured.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_WIDTHS: Final = {
    0.35: " 'ijl",
    0.4: ",./:;I\\|",
    0.45: "-f",
    0.5: "!()[]`rt",
    0.55: '"*',
    0.6: "J_csz",
    0.65: "?Lx",
    0.7: "$0123456789EFTaekovy",
    0.75: "CPSYZbdghnpqu{}",
    0.8: "ABKRVX",
    0.85: "#+<=>DGHNU^~",
    0.9: "&OQ",
    0.95: "w",
    1.0: "@M",
    1.05: "%m",
    1.15: "W",
}
"""Characters by their width in ems, rounded up to a twentieth."""

_WIDTH_OF: Final = {character: width for width, characters in _WIDTHS.items() for character in characters}
_WIDE: Final = 1.3
_OTHER: Final = 1.15
ELLIPSIS: Final = "…"


def width(text: str, size: float) -> float:
    """The width of `text` in letters of `size`, at most."""
    return size * sum(map(_em, text))


def measured(text: str) -> bool:
    """Whether the widths of all its characters are known; those of others are a guess."""
    return all(character in _WIDTH_OF or character == ELLIPSIS for character in text)


def shortened(text: str, size: float, room: float) -> str:
    """`text`, or as much of its beginning and its end as has room: names often differ only in how they end."""
    if width(text, size) <= room:
        return text
    room -= width(ELLIPSIS, size)
    end = _fitting(text[::-1], size, room * 0.4)
    beginning = _fitting(text, size, room - width(end, size))
    return f"{beginning.rstrip()}{ELLIPSIS}{end[::-1].lstrip()}"


def _fitting(text: str, size: float, room: float) -> str:
    used = 0.0
    for place, character in enumerate(text):
        used += size * _em(character)
        if used > room:
            return text[:place]
    return text


def _em(character: str) -> float:
    known = _WIDTH_OF.get(character)
    if known is not None:
        return known
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return _WIDE
    letter = unicodedata.normalize("NFD", character)[0]
    return _WIDTH_OF.get(letter, _OTHER)
