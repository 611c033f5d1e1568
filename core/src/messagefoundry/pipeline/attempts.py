"""One attempt to deliver an item: what the connector did, and how the trail tells it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import MessageFoundryError, StopLane, Unreachable, fault_site
from messagefoundry.contracts.outbound import (
    BatchConnector,
    Delivered,
    MemberOutcome,
    OutboundBatch,
    OutboundConnector,
    OutboundItem,
    Rejected,
    Unanswered,
)
from messagefoundry.pipeline.author_errors import describe_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Attempt:
    """How one attempt ended, ready to be settled. `error` "" means delivered; its first line is safe to show.

    `facts` is what the trail keeps of the answer, times, peer, MSA-1, MSA-2, as the members of a JSON object.
    """

    error: str = ""
    permanent: bool = False
    unknown: bool = False
    reply: bytes | None = None
    facts: str = ""
    stop: StopLane | None = None
    broken: bool = False

    @property
    def summary(self) -> str:
        """What went wrong, safe to show anywhere."""
        return self.error.partition("\n")[0]

    @property
    def detail(self) -> str:
        """The facts and what went wrong, as compact JSON for the trail; "" when there is nothing to say."""
        if not self.error:
            return f"{{{self.facts}}}" if self.facts else ""
        unknown = '"outcome":"unknown"' if self.unknown else ""
        return f"{{{','.join(filter(None, (self.facts, unknown, error_fact(self.summary))))}}}"


async def attempt(connector: OutboundConnector, item: OutboundItem, lane: str) -> Attempt:
    """Let the connector of `lane` send once. Whatever it raises is an outcome, but for a cancellation."""
    try:
        outcome = await connector.send(item)
    except Exception as error:  # noqa: BLE001 - the connector's own fault, which the policy decides about
        return _raised(error, lane)
    facts = ",".join(_facts(outcome))
    if isinstance(outcome, Delivered):
        return Attempt(reply=outcome.reply, facts=facts)
    return _refused(outcome, facts)


class WrongCount(MessageFoundryError):
    """A connector told the outcome of more or fewer members than the batch has."""


async def attempt_batch(connector: BatchConnector, batch: OutboundBatch, lane: str) -> list[Attempt]:
    """As `attempt`, for the members of a batch in their order; each tells BHS-11 and its place."""
    try:
        outcomes = await connector.send_batch(batch)
        if len(outcomes) != len(batch.members):
            raise WrongCount
        attempts = [_of_member(outcome) for outcome in outcomes]
    except Exception as error:  # noqa: BLE001 - the connector's own fault, which the policy decides about
        attempts = [_raised(error, lane)] * len(batch.members)
    facts = places(batch)
    pairs = zip(attempts, facts, strict=True)
    return [replace(each, facts=",".join(filter(None, (fact, each.facts)))) for each, fact in pairs]


def places(batch: OutboundBatch) -> list[str]:
    """What the trail tells of each member's part in a batch, as the members of a JSON object."""
    start = f'"batch":{quoted(batch.control_id.decode("ascii"))},"place":'
    return [f'{start}"{number} of {len(batch.members)}"' for number in range(1, len(batch.members) + 1)]


def _raised(error: Exception, lane: str) -> Attempt:
    """What a connector means by raising."""
    if isinstance(error, Unreachable):
        return Attempt(str(error) or "unreachable", unknown=error.outcome_unknown)
    if isinstance(error, StopLane):
        return Attempt(str(error), stop=error)
    log.error("%s: the connector broke: %s", lane, fault_site(error))
    return Attempt(describe_failure(error, f"connector of {lane}"), broken=True)


def _of_member(outcome: MemberOutcome) -> Attempt:
    if isinstance(outcome, Unanswered):
        known = Rejected(outcome.reason, permanent=False, peer=outcome.peer, sent_at=outcome.sent_at)
        return Attempt(outcome.reason or "no answer", unknown=True, facts=",".join(_facts(known)))
    facts = ",".join(_facts(outcome))
    if isinstance(outcome, Delivered):
        return Attempt(reply=outcome.reply, facts=facts)
    return _refused(outcome, facts)


def _refused(outcome: Rejected, facts: str) -> Attempt:
    return Attempt(outcome.reason or "rejected", outcome.permanent, reply=outcome.reply, facts=facts)


def simulated() -> Attempt:
    """The attempt of an item that is not to leave."""
    return Attempt(facts='"simulated":true')


def error_fact(text: str) -> str:
    """The member that says what went wrong."""
    return f'"error":{quoted(text)}'


def _facts(outcome: Delivered | Rejected) -> Iterator[str]:
    """What is known of an attempt that was answered; every message has these, so no encoder is set up for them."""
    if outcome.sent_at:
        yield f'"sent_at":{outcome.sent_at}'
    if outcome.acknowledged_at:
        yield f'"acknowledged_at":{outcome.acknowledged_at}'
    if outcome.peer:
        yield f'"peer":{quoted(outcome.peer)}'
    if outcome.msa_1:
        yield f'"msa_1":{quoted(outcome.msa_1)}'
    if outcome.msa_2:
        yield f'"msa_2":{quoted(outcome.msa_2)}'
    if isinstance(outcome, Delivered) and outcome.note:
        yield f'"note":{quoted(outcome.note)}'
