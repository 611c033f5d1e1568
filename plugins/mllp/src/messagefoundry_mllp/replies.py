"""What the frames that come after a message mean for it: frames in, outcomes out, no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from messagefoundry.contracts.errors import PartnerFault, Unreachable
from messagefoundry.message import (
    Acknowledgment,
    HeaderError,
    Judgment,
    control_id_of,
    for_log,
    judge,
    peek,
    read_acknowledgment,
)

MOST_MISMATCHES = 3

Note = Callable[..., None]

_ERROR_CODE = re.compile(rb"[12]\d\d")
_TABLE = (b"", b"HL70357", b"0357")


class Answer(NamedTuple):
    """The partner's answer to one message. `reason` is empty when it has the message."""

    reply: bytes
    msa_1: str = ""
    msa_2: str = ""
    reason: str = ""
    permanent: bool = False


class Replies(Protocol):
    """Reads the replies to one message at a time."""

    def expect(self, work_id: int, payload: bytes) -> None:
        """`payload` is about to be sent; what `take` is given belongs to it."""

    def take(self, reply: bytes) -> Answer | None:
        """What `reply` means, or None to wait for the next one. Raises Unreachable, PartnerFault."""

    def stray(self, reply: bytes) -> bool:
        """Whether a reply that came while none was awaited is explained, so that the connection stays good."""


class AnyReply:
    """Raw TCP: one frame after a message is its reply, whatever it holds."""

    def expect(self, work_id: int, payload: bytes) -> None:
        """Nothing in a reply tells what it belongs to."""

    def take(self, reply: bytes) -> Answer | None:
        """The partner has the message."""
        return Answer(reply)

    def stray(self, reply: bytes) -> bool:
        """A reply that nobody awaits is the late reply to something else."""
        return False


class Acknowledgments:
    """MLLP: replies are read as semantics say (HL7 v2.5.1 §2.9.2, §2.9.3).

    A reply whose MSA-2 is another message's is discarded; three of them on one message, over all of its attempts and
    without an accepted message between, are a partner whose replies cannot be relied on.
    """

    def __init__(self, nak: Mapping[str, str], *, verify: bool, note: Note) -> None:
        """`nak` as in `judge`; with `verify` MSA-2 must match. `note` hears of replies that were passed over."""
        self.nak = nak
        self.verify = verify
        self._note = note
        self._work_id = 0
        self._control_id = b""
        self._accepted: Collection[bytes] = ()
        self._mismatches: dict[int, int] = {}

    def expect(self, work_id: int, payload: bytes) -> None:
        """A payload without MSH-10 can only be answered by whatever comes next."""
        self._work_id = work_id
        self._control_id = control_id_of(payload)

    def take(self, reply: bytes) -> Answer | None:
        """AA and CA deliver, AE, CE, AR and CR do as `nak` says, another message's is passed over."""
        acknowledgment = read_acknowledgment(reply)
        if acknowledgment is None:
            raise Unreachable("the reply is not an acknowledgment", outcome_unknown=True)
        judgment = self._judgment(reply, acknowledgment)
        if judgment is Judgment.MISMATCH:
            if not self.stray(reply):
                self.count_mismatch()
            return None
        self.heard((self._control_id,) if acknowledgment.code == "CA" and self._control_id else ())
        return answer(judgment, acknowledgment, reply)

    def heard(self, accepted: Collection[bytes]) -> None:
        """An answer has come that counts; `accepted` are the control ids after whose CA another may follow."""
        self._mismatches.clear()
        self._accepted = accepted

    def _judgment(self, reply: bytes, acknowledgment: Acknowledgment) -> Judgment:
        named, expected = acknowledgment.control_id, self._control_id
        if acknowledgment.accepts and named == expected:
            return Judgment.DELIVERED  # nearly always, so nothing is read twice
        if named in self._accepted and named != expected:
            return Judgment.MISMATCH  # even unverified: it is known whose it is
        return judge(reply, expected if self.verify and expected else named, nak=self.nak)

    def stray(self, reply: bytes) -> bool:
        """The application acknowledgment after a CA belongs to a message that is settled already."""
        acknowledgment = read_acknowledgment(reply)
        if acknowledgment is None or acknowledgment.control_id not in self._accepted:
            return False
        code, control_id = acknowledgment.code, for_log(acknowledgment.control_id)
        self._note("application acknowledgment", f"{code} after CA for {control_id}", alert=code != "AA")
        return True

    def count_mismatch(self) -> None:
        """One more reply to the message in hand was another's. Raises PartnerFault when that is one too many."""
        count = self._mismatches.get(self._work_id, 0) + 1
        self._mismatches[self._work_id] = count
        if count >= MOST_MISMATCHES:
            self._mismatches.clear()
            raise PartnerFault(f"{count} replies in a row acknowledged another message than the one that was sent")
        self._note("reply discarded", "it acknowledges another message")


def answer(judgment: Judgment, acknowledgment: Acknowledgment, reply: bytes) -> Answer:
    """What an acknowledgment that counts means."""
    code = acknowledgment.code
    reason = "" if judgment is Judgment.DELIVERED else f"the partner answered {code}{_why(reply)}"
    return Answer(reply, code, for_log(acknowledgment.control_id), reason, judgment is Judgment.REJECTED)


def _why(reply: bytes) -> str:
    """The error code of a refusal, " (204)"; "" when it has none.

    That is the first ERR-3 with a code of table 0357 (HL7 v2.5.1 §2.15.5.3). Anything else there, like MSA-3 and ERR-8,
    is the partner's own text, in which a patient may be named.
    """
    try:
        header = peek(reply)
    except HeaderError:
        return ""
    component = header.delimiters.component.encode() or b"^"
    for line in reply[header.start :].replace(b"\n", b"\r").split(b"\r"):
        fields = line.split(header.separator, 4)
        if fields[0] == b"ERR" and len(fields) > 3:
            code, _, system = (*fields[3].split(component), b"", b"")[:3]
            if _ERROR_CODE.fullmatch(code.strip()) and system.strip() in _TABLE:
                return f" ({code.strip().decode()})"
    return ""
