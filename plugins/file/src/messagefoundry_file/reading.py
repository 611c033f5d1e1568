"""Reading one file whole, within limits. Blocking."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from dataclasses import dataclass
from typing import Literal

from messagefoundry_file.scan import Look


class Unfit(Exception):
    """What is in the file can never be taken as a message; the text says why, without content."""


class Changed(Exception):
    """The file is not what it was when it was looked at: somebody still writes it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read, in bytes, and whether it is decompressed."""

    max_file_bytes: int
    decompress: Literal["gzip"] | None = None
    max_decompressed_bytes: int = 0


def read_content(path: str, look: Look, limits: Limits) -> bytes:
    """The message in the file at `path`, which must still look like `look`. Raises Unfit, Changed, OSError."""
    if look.size > limits.max_file_bytes:
        raise Unfit(f"{look.size} bytes are more than max_file_bytes ({limits.max_file_bytes})")
    content = _read_unchanged(path, look)
    if limits.decompress:
        content = _inflated(content, limits.max_decompressed_bytes)
    if not content:
        raise Unfit("empty")
    return content


def _read_unchanged(path: str, look: Look) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        content = file.read(look.size + 1)
        if Look.of(os.fstat(file.fileno())) != look or len(content) != look.size:
            raise Changed
    return content


def _inflated(content: bytes, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            inflated = file.read(limit + 1)
    except (EOFError, OSError, zlib.error):
        raise Unfit("not a complete gzip file") from None
    if len(inflated) > limit:
        raise Unfit(f"more than max_decompressed_bytes ({limit}) when decompressed")
    return inflated
