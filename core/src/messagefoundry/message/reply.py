"""How the reply to a message sent over MLLP is read (HL7 v2.5.1 §2.9.2, table 0008)."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from .errors import HeaderError
from .header import USUAL_START, peek


class Acknowledgment(NamedTuple):
    """MSA of a reply. Its repr shows MSA-1 only."""

    code: str
    """MSA-1: AA, AE, AR, CA, CE or CR."""
    control_id: bytes
    """MSA-2, unchanged."""
    text: bytes
    """MSA-3, unchanged; content, not for logs."""

    def __repr__(self) -> str:
        return f"<Acknowledgment {self.code}>"

    @property
    def accepts(self) -> bool:
        """Whether it is AA or CA."""
        return self.code.endswith("A")


class Judgment(Enum):
    """What a reply means for the message that was sent."""

    DELIVERED = "delivered"
    """AA or CA."""
    RETRY = "retry"
    """AE or CE: send it again later."""
    REJECTED = "rejected"
    """AR or CR: dead-letter it."""
    MISMATCH = "mismatch"
    """It acknowledges another message: discard it and read on."""
    NOT_AN_ACK = "not an acknowledgment"
    """Nothing that can be relied on: close the connection."""


_CODES: Final[Mapping[bytes, str]] = {code.encode(): code for code in ("AA", "AE", "AR", "CA", "CE", "CR")}
_LONGEST: Final = 20
_OUTCOMES = {"retry": Judgment.RETRY, "dead": Judgment.REJECTED}
DEFAULT_NAK: Final[Mapping[str, str]] = MappingProxyType({"AE": "retry", "AR": "dead"})


def read_acknowledgment(reply: bytes) -> Acknowledgment | None:
    """The first MSA of `reply` (without framing); None when it is no HL7, has no MSA or an unknown MSA-1."""
    fields = _msa(reply)
    if fields is None:
        return None
    code, control_id, text = ([*fields[1:4], b"", b""])[:3]
    name = _CODES.get(code.strip())
    return Acknowledgment(name, control_id, text) if name else None


def _msa(reply: bytes) -> list[bytes] | None:
    """The fields of the first MSA, the first four apart; None when there is none. Lazy where the header is usual."""
    if reply.startswith(USUAL_START):
        separator, start = b"|", 0
    else:
        try:
            header = peek(reply)
        except HeaderError:
            return None
        separator, start = header.separator, header.start
    lines = reply[start:].replace(b"\n", b"\r") if b"\n" in reply else reply[start:]
    found = lines.find(b"\rMSA" + separator)
    if found < 0:
        return None
    end = lines.find(b"\r", found + 1)
    return lines[found + 1 : end if end >= 0 else len(lines)].split(separator, 4)


def judge(reply: bytes, sent_control_id: bytes, *, nak: Mapping[str, str] = DEFAULT_NAK) -> Judgment:
    """What `reply` means for the message whose MSH-10 was `sent_control_id`.

    `nak` maps AE (and with it CE) and AR (and CR) to 'retry' or 'dead'; what it leaves out is as by default.
    """
    acknowledgment = read_acknowledgment(reply)
    if acknowledgment is None:
        return Judgment.NOT_AN_ACK
    if not same_control_id(acknowledgment.control_id, sent_control_id):
        return Judgment.MISMATCH
    if acknowledgment.accepts:
        return Judgment.DELIVERED
    code = "A" + acknowledgment.code[1]
    return _OUTCOMES[nak.get(code, DEFAULT_NAK[code])]


def same_control_id(received: bytes, sent: bytes) -> bool:
    """Whether MSA-2 belongs to MSH-10: equal, empty, or its first 20 characters."""
    if not received or received == sent:
        return True
    characters = sent.decode("utf-8", "surrogateescape")
    return received in (sent[:_LONGEST], characters[:_LONGEST].encode("utf-8", "surrogateescape"))
