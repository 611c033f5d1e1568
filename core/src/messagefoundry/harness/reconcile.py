"""Comparing what was acknowledged with what arrived."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .bits import Bits
from .journal import Journal
from .latency import Latency


class Account:
    """One destination against the generator: a bit a message and no times, so that it stays small for hours."""

    __slots__ = ("_accepted", "_latest_sent_ns", "arrived", "duplicates", "overtaken", "unexpected")

    def __init__(self, accepted: Bits) -> None:
        """`accepted` has the numbers of the messages that were acknowledged, and may go on growing."""
        self._accepted = accepted
        self.arrived = Bits()
        self.duplicates = 0
        self.unexpected = 0
        """arrived, but not sent by this generator"""
        self.overtaken = 0
        """arrived after a message that was sent only after this one had been acknowledged"""
        self._latest_sent_ns = 0

    @property
    def received(self) -> int:
        """Return how many messages came, whatever they were."""
        return len(self.arrived) + self.duplicates + self.unexpected

    @property
    def missing(self) -> int:
        """Return how many were acknowledged, but have not arrived. Linear in the messages of the run."""
        return self._accepted.without(self.arrived)

    def arrive(self, number: int | None) -> bool:
        """Count a message, None for a foreign one; False when it has been here before."""
        if number is None:
            self.unexpected += 1
            return True
        first = self.arrived.add(number)
        self.duplicates += not first
        return first

    def judge_order(self, sent_ns: int, answered_ns: int) -> None:
        """Tell when the message that arrived just now was sent and answered, 0 for not yet.

        It is a test of order by cause and effect, which holds for any number of connections.
        """
        self.overtaken += 0 < answered_ns < self._latest_sent_ns
        self._latest_sent_ns = max(self._latest_sent_ns, sent_ns)


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
    accepted = Bits(number for number, entry in enumerate(journal) if entry.accepted)
    account = Account(accepted)
    end_to_end: list[int] = []
    for control_id, arrived_ns in arrivals.items():
        number = journal.number(control_id)
        account.arrive(number)
        if number is not None:
            entry = journal[number]
            account.judge_order(entry.sent_ns, entry.answered_ns)
            end_to_end.append(arrived_ns - entry.due_ns)
    return Reconciliation(
        accepted=len(accepted),
        missing=account.missing,
        unexpected=account.unexpected,
        overtaken=account.overtaken,
        drain_seconds=drain_seconds(journal.sending_ended_ns, max(arrivals.values(), default=0)),
        end_to_end_ms=Latency.of(end_to_end),
    )


def drain_seconds(sending_ended_ns: int, last_arrival_ns: int) -> float:
    """Return how long after the end of sending the last message came; 0 for before, or for never."""
    return round(max(0, last_arrival_ns - sending_ended_ns) / 1e9, 3)
