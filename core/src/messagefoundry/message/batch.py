"""Telling a batch (HL7 v2.5.1 §2.10.3) from a single message."""

import re

_START = re.compile(rb"(?:\xef\xbb\xbf|[\r\n\t \x0b])*(?:BHS|FHS)[^A-Za-z0-9\r\n]")
_FURTHER = re.compile(rb"[\r\n\x0b][\t ]*(?:\xef\xbb\xbf)?MSH[!-/:-@\[-`{-~]")


def is_batch(raw: bytes) -> bool:
    """Whether `raw` begins with BHS or FHS, or holds several MSH segments."""
    if not raw.startswith(b"MSH") and _START.match(raw):
        return True
    first = raw.find(b"MSH")
    return first >= 0 and raw.find(b"MSH", first + 3) >= 0 and _FURTHER.search(raw, first) is not None


def first_message(raw: bytes) -> int:
    """Where the first MSH begins that is not the beginning of `raw`; -1 when there is none."""
    found = _FURTHER.search(raw)
    return found.end() - len("MSH|") if found else -1
