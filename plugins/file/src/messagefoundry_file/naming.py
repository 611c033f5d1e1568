"""What may be the name of a file that the engine writes. Pure.

What a message brings into a name is untrusted: of it only ASCII letters, digits, blanks and `-_.+=@,` stay, everything
else becomes `_`. A name that had to be changed ends in `~` and a digest of what it was to be, so that messages with
different values never meet in one name because of the change.
"""

from __future__ import annotations

import hashlib
import re
from os.path import splitext

LONGEST = 160
"""Bytes of the longest name made here; leaves room for two ids and for the temporary name below the usual 255."""

_UNSAFE = re.compile(r"[^A-Za-z0-9 _.+=@,-]")
_AT_AN_EDGE = re.compile(r"^[ .-]+|[ .]+$")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_LONGEST_EXTENSION = 16


def cleaned(value: str) -> str:
    """`value` with `_` for every character that a message may not bring into a name."""
    return _UNSAFE.sub("_", value)


def safe_name(name: str, wanted: str) -> str:
    """`name` as it can be used: neither hidden nor reserved on Windows, at most LONGEST bytes of UTF-8.

    `wanted` is the name before any cleaning; where the result differs from it, its digest is added.
    """
    safe = _AT_AN_EDGE.sub(lambda edge: "_" * len(edge.group()), name)
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    if safe == wanted and len(safe.encode()) <= LONGEST:
        return safe
    stem, extension = split_extension(safe)
    digest = f"~{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"
    room = LONGEST - len(digest) - len(extension.encode())
    return f"{stem.encode()[:room].decode(errors='ignore')}{digest}{extension}"


def with_ids(name: str, *ids: int) -> str:
    """`name` with ids before its extension: `A1-17.hl7`."""
    stem, extension = split_extension(name)
    return f"{stem}{''.join(f'-{number}' for number in ids)}{extension}"


def split_extension(name: str) -> tuple[str, str]:
    """The name and its extension with the dot; a long one counts as part of the name."""
    stem, extension = splitext(name)
    return (stem, extension) if len(extension.encode()) <= _LONGEST_EXTENSION else (name, "")
