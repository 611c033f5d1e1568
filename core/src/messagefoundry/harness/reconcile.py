"""Comparing what was acknowledged with what arrived."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .journal import Entry, Journal
from .latency import Latency


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One destination's arrivals against the generator's journal."""

    accepted: int = 0
    missing: int = 0
    """acknowledged to the generator, but never arrived"""
    unexpected: int = 0
    """arrived, but not sent by this generator"""
    overtaken: int = 0
    """arrived after a message that was sent only after this one had been acknowledged"""
    drain_seconds: float = 0.0
    """from the end of sending to the last arrival"""
    end_to_end_ms: Latency = field(default_factory=Latency)


def reconcile(journal: Journal, arrivals: Mapping[str, int]) -> Reconciliation:
    """Compare; `arrivals` maps control id to the time of first arrival in ns, in the order of arrival."""
    sent = {entry.control_id: entry for entry in journal}
    known = [sent[control_id] for control_id in arrivals if control_id in sent]
    accepted = [entry for entry in sent.values() if entry.accepted]
    last = max(arrivals.values(), default=journal.sending_ended_ns)
    return Reconciliation(
        accepted=len(accepted),
        missing=sum(entry.control_id not in arrivals for entry in accepted),
        unexpected=len(arrivals) - len(known),
        overtaken=_overtaken(known),
        drain_seconds=round(max(0, last - journal.sending_ended_ns) / 1e9, 3),
        end_to_end_ms=Latency.of(arrivals[entry.control_id] - entry.due_ns for entry in known),
    )


def _overtaken(arrived: Iterable[Entry]) -> int:
    """Count messages that a causally later one passed: a test of order that holds for any number of connections."""
    count = latest_sent = 0
    for entry in arrived:
        if 0 < entry.answered_ns < latest_sent:
            count += 1
        latest_sent = max(latest_sent, entry.sent_ns)
    return count
