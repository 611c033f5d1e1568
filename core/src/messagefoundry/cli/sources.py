"""Messages from files, folders and standard input, as `send` and `dryrun` take them.

A file may hold several HL7 messages, one after the other or in MLLP blocks; the envelope of a batch (FHS, BHS, BTS,
FTS) is left out. What is not HL7 v2 is one message, whole.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.cli.failures import WrongCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD_INPUT = Path("-")
SUFFIXES = (".hl7", ".txt", ".dat", ".json", ".xml")

_BLOCK_MARKS = re.compile(rb"\x1c\r?\n?|\x0b")
_NEXT_MESSAGE = re.compile(rb"(?:^|(?<=[\r\n]))[ \t\x0b]*(?=MSH[^A-Za-z0-9\s])")
_ENVELOPE = re.compile(rb"(?:^|(?<=[\r\n]))(?:FHS|BHS|BTS|FTS)(?:[^A-Za-z0-9\r\n][^\r\n]*)?(?:\r\n|\r|\n|$)")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """One message and where it stands: `label` is "adt.hl7", or "adt.hl7#2" for the second of a file.

    `whole` says that `raw` is a file as it is, whatever it holds.
    """

    label: str
    path: Path
    raw: bytes
    whole: bool = False


def sources(paths: Iterable[Path], *, whole: bool = False) -> Iterator[Source]:
    """The messages of files, of folders (recursive, by name) and of standard input ("-"); one of each with `whole`.

    Raises WrongCall for a path that is not there or cannot be read.
    """
    for path in paths:
        for file in _files(path):
            content = _read(file)
            messages = [content] if whole and content else separated(content)
            for number, raw in enumerate(messages, start=1):
                name = "standard input" if file == STANDARD_INPUT else str(file)
                yield Source(name if len(messages) == 1 else f"{name}#{number}", file, raw, whole)


def _files(path: Path) -> list[Path]:
    if path == STANDARD_INPUT or path.is_file():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    raise WrongCall(f"{path}: there is no such file or folder")


def _read(file: Path) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongCall(f"{file}: cannot be read: {error.strerror}") from error


def separated(content: bytes) -> list[bytes]:
    """The messages of one file. A file with a single one is given as it is, to the byte."""
    starts = [match.start() for match in _NEXT_MESSAGE.finditer(_BLOCK_MARKS.sub(b"\r", content))]
    if len(starts) <= 1 and not _BLOCK_MARKS.search(content) and not _ENVELOPE.search(content):
        return [content] if content.strip() else []
    plain = _ENVELOPE.sub(b"", _BLOCK_MARKS.sub(b"\r", content.removeprefix(_BOM)))
    starts = [match.end() for match in _NEXT_MESSAGE.finditer(plain)]
    if not starts:
        return [plain] if plain.strip() else []
    ends = [*starts[1:], len(plain)]
    return [plain[start:end].strip(b"\r\n\t ") + b"\r" for start, end in zip(starts, ends, strict=True)]


def as_on_the_wire(raw: bytes) -> bytes:
    """An HL7 message as MLLP carries it: segments end in CR, nothing stands before MSH."""
    if not raw.removeprefix(_BOM).lstrip().startswith(b"MSH"):
        return raw
    text = raw.removeprefix(_BOM).strip(b"\r\n\t \x0b\x1c")
    return text.replace(b"\r\n", b"\r").replace(b"\n", b"\r") + b"\r"
