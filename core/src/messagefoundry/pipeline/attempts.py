"""One attempt to deliver an item: what the connector did, and how the trail tells it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import StopLane, Unreachable, fault_site
from messagefoundry.contracts.outbound import Delivered, OutboundConnector, OutboundItem, Rejected
from messagefoundry.pipeline.transform import describe_failure

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
    except Unreachable as error:
        return Attempt(str(error) or "unreachable", unknown=error.outcome_unknown)
    except StopLane as error:
        return Attempt(str(error), stop=error)
    except Exception as error:  # noqa: BLE001 - the connector's own fault, which the policy decides about
        log.error("%s: the connector broke: %s", lane, fault_site(error))
        return Attempt(describe_failure(error, f"connector of {lane}"), broken=True)
    facts = ",".join(_facts(outcome))
    if isinstance(outcome, Delivered):
        return Attempt(reply=outcome.reply, facts=facts)
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
