"""Building a batch of messages (HL7 v2.5.1 §2.10.3): BHS, the messages as they are, BTS."""

import re
from collections.abc import Sequence

from .batch import is_batch
from .errors import HeaderError
from .header import peek

_ENVELOPE = re.compile(rb"[\r\n](?:FHS|BHS|BTS|FTS)(?![A-Za-z0-9])")
_ENDS = (b"\r", b"\n")


def fits_batch(payload: bytes) -> bool:
    """Whether `payload` can stand in a batch: one message with a readable MSH, and nothing that would end it early.

    That is a segment of a batch's own, or VT, at which some receivers begin a message.
    """
    try:
        peek(payload)
    except HeaderError:
        return False
    return b"\x0b" not in payload and not is_batch(payload) and _ENVELOPE.search(payload) is None


def build_batch(messages: Sequence[bytes], *, control_id: bytes, created: bytes) -> bytes:
    """The batch of `messages`, each of which `fits_batch`, one at least, without framing.

    BHS has the delimiters of the first message and its MSH-3 to MSH-6, `created` as BHS-7 and `control_id` as BHS-11;
    both are taken as they are. BTS-1 is the count. Every byte of a message stays, but for what stands before its MSH;
    one whose last segment does not end gets a CR.
    """
    first = peek(messages[0])
    separator = first.separator
    head = (b"BHS", *first.fields[1:6], created, b"", b"", b"", control_id)
    trailer = b"BTS%b%d\r" % (separator, len(messages))
    return b"".join((separator.join(head), b"\r", *map(_ended, messages), trailer))


def _ended(message: bytes) -> bytes:
    whole = message if message.startswith(b"MSH") else message[peek(message).start :]
    return whole if whole.endswith(_ENDS) else whole + b"\r"
