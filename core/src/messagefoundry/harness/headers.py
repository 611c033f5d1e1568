"""What a partner reads of what came: header fields of a message, and of a batch (HL7 v2.5.1 §2.10.3) with its messages.

Each header is read in its own separator. What is not there is "".
"""

import re
from typing import NamedTuple

_BATCH = re.compile(rb"[\r\n\t \x0b]*(?:FHS|BHS)[^A-Za-z0-9\r\n]")
_BATCH_HEADER = re.compile(rb"(?:^|[\r\n])[\t \x0b]*(?=BHS[^A-Za-z0-9\r\n])")
_MESSAGE = re.compile(rb"[\r\n][\t \x0b]*(?=MSH[^A-Za-z0-9\r\n])")
_MOST_FIELDS = 12


class Header(NamedTuple):
    """MSH-9 and MSH-10 of one message."""

    message_type: str
    control_id: str


class Batch(NamedTuple):
    """BHS-11, and the header of each message in its order."""

    control_id: str
    messages: tuple[Header, ...]


def read_header(content: bytes) -> Header:
    """The header of a message; both empty when it does not begin with MSH."""
    if not content.startswith(b"MSH"):
        return Header("", "")
    fields = _fields(content)
    return Header(fields[8], fields[9])


def read_batch(content: bytes) -> Batch | None:
    """The batch, when the bytes begin with BHS or FHS; None for a message."""
    if not _BATCH.match(content):
        return None
    header = _BATCH_HEADER.search(content)
    control_id = _fields(content[header.end() :])[10] if header else ""
    return Batch(control_id, tuple(read_header(content[found.end() :]) for found in _MESSAGE.finditer(content)))


def _fields(segment: bytes) -> list[str]:
    """The first fields of a header segment: number 8 is MSH-9, number 10 is BHS-11."""
    line = re.split(rb"[\r\n]", segment[:8192], maxsplit=1)[0]
    if len(line) < 4:
        return [""] * _MOST_FIELDS
    fields = [each.decode("latin-1") for each in line[3:].split(line[3:4], _MOST_FIELDS - 1)]
    return fields + [""] * (_MOST_FIELDS - len(fields))
