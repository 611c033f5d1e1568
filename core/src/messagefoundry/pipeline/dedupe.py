"""Repeats of messages: what tells them, for inbounds that have `dedupe`, and what follows when one came.

A repeat comes to the same inbound from the same MSH-3 and MSH-4, has the same key, and is the same to the byte but for
MSH-7, the time at which it was sent. The store decides, in the commit of the message, whether one came before.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from messagefoundry.contracts.units import ReceiveOnce
from messagefoundry.message import Message, MessageError, parse_path

if TYPE_CHECKING:
    from messagefoundry.contracts.units import Receive
    from messagefoundry.message import Header
    from messagefoundry.pipeline.flow import Flow
    from messagefoundry.pipeline.intake import Note
    from messagefoundry.wiring.values import Dedupe

NULL = b'""'
"""A field that is present and empty (HL7 v2.5.1 §2.5.3)."""

DIGEST_BYTES = 16
WHOLE_FIELDS = range(3, 19)
"""The fields of MSH that are read without parsing the message."""


class Repeats:
    """The repeats of one inbound: told before the commit, and counted after it."""

    def __init__(self, dedupe: Dedupe, flow: Flow, note: Note) -> None:
        self._flow = flow
        self._note = note
        self._key = dedupe.key
        self._window = round(dedupe.window_seconds * 1_000_000)
        path = parse_path(dedupe.key)
        in_header = path.segment == "MSH" and path.field in WHOLE_FIELDS and not path.component
        self._number = path.field if in_header else 0
        self._begun = blake2b(flow.inbound.name.encode() + b"\r", digest_size=8)

    def once(self, unit: Receive, header: Header) -> Receive:
        """The same unit, but for a message that may have come before; `unit` itself when its key is empty."""
        key = header.field(self._number) if self._number else key_of(unit.raw, self._key, unit.encoding)
        if not key.strip() or key == NULL:
            return unit
        return ReceiveOnce(
            unit.inbound,
            unit.raw,
            unit.content_type,
            unit.encoding,
            unit.control_id,
            unit.message_type,
            unit.peer,
            unit.received_at,
            unit.parent_id,
            unit.bookmark,
            depth=unit.depth,
            identity=self._identity(header, key),
            digest=digest_of(unit.raw, header),
            since=unit.received_at - self._window,
        )

    def came_before(self, unit: Receive) -> bool:
        """After its commit: whether it is a repeat, which goes no further. Another message with the same key alerts."""
        if not isinstance(unit, ReceiveOnce):
            return False
        if unit.repeat_of is not None:
            self._flow.repeats += 1
        elif unit.reused:
            detail = f"message {unit.id}: same {self._key}, other content"
            self._note(unit.inbound, "message id used again", detail, alert=True)
        return unit.repeat_of is not None

    def _identity(self, header: Header, key: bytes) -> int:
        """A hash of the inbound, MSH-3, MSH-4 and the key; only the key can hold a CR."""
        hashed = self._begun.copy()
        hashed.update(b"\r".join((header.sending_application, header.sending_facility, key)))
        return int.from_bytes(hashed.digest(), "big", signed=True)


def key_of(raw: bytes, path: str, encoding: str) -> bytes:
    """What stands at a path, decoded; b"" when nothing does, or when the message cannot be read there."""
    try:
        return (Message(raw, encoding=encoding)[path] or "").encode(errors="surrogatepass")
    except MessageError:
        return b""


def digest_of(raw: bytes, header: Header) -> bytes:
    """A hash of all bytes but those of MSH-7."""
    before = header.fields[:6]
    start = header.start + sum(map(len, before)) + len(before)
    hashed = blake2b(raw[:start], digest_size=DIGEST_BYTES)
    hashed.update(memoryview(raw)[start + len(header.timestamp) :])
    return hashed.digest()


def first_id(unit: Receive) -> int:
    """After its commit: the id of the message, or of the one that it repeats."""
    return unit.repeat_of if isinstance(unit, ReceiveOnce) and unit.repeat_of is not None else unit.id
