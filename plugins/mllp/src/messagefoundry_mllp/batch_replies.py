"""What the frames that come after a batch mean for its members: frames in, answers out, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.message import control_id_of, judge_members, read_batch_reply
from messagefoundry_mllp.replies import Acknowledgments, Answer, answer

if TYPE_CHECKING:
    from collections.abc import Sequence


class BatchReplies:
    """Reads the replies to one batch. `answers` has what was answered for each payload so far, None for nothing.

    One acknowledgment for all, a batch of them, and several in one frame are the whole answer. A frame with a single
    one for one member is followed by those for the others. Another message's are passed over, as with single messages.
    """

    def __init__(
        self, acknowledgments: Acknowledgments, work_id: int, control_id: bytes, payloads: Sequence[bytes]
    ) -> None:
        """`payloads` are about to be sent in a batch whose BHS-11 is `control_id`; `work_id` tells it from others."""
        acknowledgments.expect(work_id, payloads[0])
        self.answers: list[Answer | None] = [None] * len(payloads)
        self.complete = False
        self._acknowledgments = acknowledgments
        self._control_id = control_id
        self._members = [control_id_of(payload) for payload in payloads]
        self._accepted: set[bytes] = set()
        self._named: set[bytes] = set()

    def take(self, reply: bytes) -> bool | None:
        """True when `reply` answers a member or more, None to wait for another. Raises Unreachable, PartnerFault."""
        read = read_batch_reply(reply)
        if not read.answers:
            raise Unreachable("the reply is not an acknowledgment", outcome_unknown=True)
        rules = self._acknowledgments
        places = [place for place, known in enumerate(self.answers) if known is None]
        members = [self._members[place] for place in places]
        found = judge_members(read, self._control_id, members, nak=rules.nak, verify=rules.verify)
        if not any(found):
            self._pass_over(reply, {answered.acknowledgment.control_id for answered in read.answers})
            return None
        for place, judged in zip(places, found, strict=True):
            if judged is not None:
                acknowledgment, alone = judged.answered
                self.answers[place] = answer(judged.judgment, acknowledgment, alone)
                self._named.add(acknowledgment.control_id)
                if acknowledgment.code == "CA" and acknowledgment.control_id:
                    self._accepted.add(acknowledgment.control_id)
        rules.heard(frozenset(self._accepted))
        self.complete = read.final or None not in self.answers
        return True

    def _pass_over(self, reply: bytes, named: set[bytes]) -> None:
        """Not for an open member: the second for one that is answered, or another message's."""
        if not self._acknowledgments.stray(reply) and not named <= self._named:
            self._acknowledgments.count_mismatch()
