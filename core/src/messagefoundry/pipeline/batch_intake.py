"""Batches that come in: taken apart, judged message by message, committed whole, answered with one batch."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import trio

from messagefoundry.contracts.codecs import BatchCodec
from messagefoundry.contracts.errors import MessageFoundryError, Refused
from messagefoundry.contracts.inbound import Receipt
from messagefoundry.contracts.units import Receive, ReceiveBatch, Refuse
from messagefoundry.message import AcknowledgmentMode, Refusal, RefusalKind
from messagefoundry.pipeline.answering import control_id, failure_kind, hl7_now
from messagefoundry.pipeline.batches import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.codecs import Members, Summary
    from messagefoundry.pipeline.committer import Committer
    from messagefoundry.pipeline.intake import Gate, Intake
    from messagefoundry.wiring.graph import Inbound

log = logging.getLogger(__name__)

BATCH_TYPE = "BATCH"
"""What stands in the row of a batch where a message has its MSH-9."""

MOST_MEMBERS = 10_000
"""Messages of the largest batch: every other inbound waits for its one transaction."""

TURN = 50
"""So many messages are judged, or answered, before others have their turn."""


class Member(NamedTuple):
    """A message of a batch as it was judged. `refusal` is None for one that is accepted."""

    raw: bytes
    summary: Summary | None
    refusal: Refusal | None
    unit: Receive | Refuse


class BatchIntake:
    """Takes the batches of one inbound, whose `intake` judges their messages as it judges all others."""

    def __init__(
        self, intake: Intake, inbound: Inbound, codec: BatchCodec, committer: Committer, gate: Gate, patience: float
    ) -> None:
        self._intake = intake
        self._inbound = inbound
        self._codec = codec
        self._committer = committer
        self._gate = gate
        self._patience = patience
        self._mode = AcknowledgmentMode(inbound.ack_mode.value)
        self._errors_only = getattr(inbound.settings, "batch_ack", "all") == "errors"

    async def receive(self, raw: bytes, peer: str, bookmark: str) -> Receipt:
        """Commit a batch with all its messages. Raises Refused when it is refused whole: then none is committed."""
        split = self._split(raw)
        members = await self._judged(split, peer)
        unit = ReceiveBatch(self._row(raw, split, peer, bookmark), [member.unit for member in members])
        if self._gate.closed is not None:
            raise Refused(Refusal(self._gate.closed))
        try:
            await self._committer.commit(unit, partial(self._hand_on, unit), patience=self._patience)
        except MessageFoundryError as error:
            raise Refused(Refusal(failure_kind(error))) from error
        self._tell(members, peer)
        reply = await self._reply(split, members, unit.batch.id)
        return Receipt(True, unit.batch.id, reply, "AA" if reply is not None else "")

    def _split(self, raw: bytes) -> Members:
        if self._inbound.settings.reply_source() is not None:
            raise Refused(Refusal(RefusalKind.UNANSWERABLE))
        split = self._codec.split(raw, encoding=self._inbound.settings.text_encoding())
        if len(split.messages) > MOST_MEMBERS:
            raise Refused(Refusal(RefusalKind.TOO_MANY), detail=f"{len(split.messages)}, and {MOST_MEMBERS} may be")
        return split

    async def _judged(self, split: Members, peer: str) -> list[Member]:
        judged = []
        for number, raw in enumerate(split.messages):
            if number % TURN == TURN - 1:
                await trio.lowlevel.checkpoint()
            judged.append(await self._judge(raw, split.encoding, peer))
        return judged

    async def _judge(self, raw: bytes, encoding: str, peer: str) -> Member:
        intake = self._intake
        try:
            summary = await intake.judge(raw, encoding)
        except Refused as refused:
            unit = intake.refused(raw, refused, self._acknowledge(raw, refused.summary, refused.refusal)[0], peer)
            return Member(raw, refused.summary, refused.refusal, unit)
        return Member(raw, summary, None, intake.accepted(raw, summary, peer))

    def _row(self, raw: bytes, split: Members, peer: str, bookmark: str) -> Receive:
        """The batch itself."""
        inbound = self._inbound
        known = inbound.content_type, split.encoding, split.control_id, BATCH_TYPE
        return Receive(inbound.name, raw, *known, peer, now(), bookmark=bookmark)

    def _hand_on(self, unit: ReceiveBatch) -> None:
        """Let the messages be routed, in their order: in the commit's own step."""
        for member in unit.members:
            if isinstance(member, Receive):
                self._intake.hand_on(member)

    def _tell(self, members: Sequence[Member], peer: str) -> None:
        """Log which messages were refused, and note those that lack what one would expect."""
        refused = Counter(member.refusal.kind.sentence for member in members if member.refusal is not None)
        if refused:
            reasons = "; ".join(f"{reason} ({count})" for reason, count in refused.items())
            log.warning(
                "%s: refused %d of %d messages of a batch: %s",
                self._inbound.name,
                refused.total(),
                len(members),
                reasons,
            )
        accepted = [member.summary for member in members if member.refusal is None and member.summary is not None]
        bare = sum(each.header is not None and not (each.control_id and each.message_type) for each in accepted)
        if bare:
            what = f"MSH-9 or MSH-10 is empty in {bare} of {len(members)} messages of a batch"
            self._intake.note("incomplete header", f"{peer}: {what}; they are accepted all the same")

    async def _reply(self, split: Members, members: Sequence[Member], batch_id: int) -> bytes | None:
        """One batch with the acknowledgment of every message that is answered; None when none of them is."""
        answers = []
        for number, member in enumerate(members):
            if number % TURN == TURN - 1:
                await trio.lowlevel.checkpoint()
            _, answer = self._acknowledge(member.raw, member.summary, member.refusal, member.unit.id)
            if answer is not None:
                answers.append((member.refusal is not None, answer))
        if self._mode is AcknowledgmentMode.NONE or (members and not answers):
            return None
        wanted = [answer for is_error, answer in answers if is_error or not self._errors_only]
        return self._codec.acknowledge_batch(split, wanted, control_id=control_id(batch_id), timestamp=hl7_now())

    def _acknowledge(
        self, raw: bytes, summary: Summary | None, refusal: Refusal | None, message_id: int | None = None
    ) -> tuple[str, bytes | None]:
        return self._codec.acknowledge(
            raw, summary, refusal, self._mode, control_id=control_id(message_id), timestamp=hl7_now()
        )


def batches_of(
    intake: Intake, inbound: Inbound, committer: Committer, gate: Gate, patience: float
) -> BatchIntake | None:
    """What takes the batches of an inbound; None when its content does not come in batches."""
    codec = inbound.codec
    return BatchIntake(intake, inbound, codec, committer, gate, patience) if isinstance(codec, BatchCodec) else None
