"""Bringing together what was sent, answered and received while a load runs, in memory that stays small for hours."""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from .arrivals import Arrivals
from .bits import Bits
from .journal import ACCEPTED, control_id_of, number_of
from .reconcile import Account
from .schedule import Timeline
from .tally import Tally


@dataclass(slots=True)
class _Times:
    due_ns: int
    sent_ns: int
    phase: int
    still_to_come: int
    """sinks that do not have it yet"""
    answered_ns: int = 0


class Correlator:
    """The journal of a transmitter and the memory of a sink at once.

    Of every message a bit is kept for each sink, so that loss and duplicates are exact; times only of the newest
    `capacity` messages that are on their way.
    """

    def __init__(self, prefix: str, sinks: int, capacity: int, timeline: Timeline, phases: int) -> None:
        self._prefix, self._sinks, self._capacity, self._timeline = prefix, sinks, capacity, timeline
        self._times: OrderedDict[int, _Times] = OrderedDict()
        self._accepted = Bits()
        self._sent = 0
        self.accounts = [Account(self._accepted) for _ in range(sinks)]
        self.codes: Counter[str] = Counter()
        self.phases = [Tally() for _ in range(phases + 1)]
        """by number; the last is for what comes after sending"""
        self.interval = Tally()
        """replace it to begin another"""
        self.delivered = 0
        self.misses = 0
        """messages whose times were given up, because too many were on their way"""
        self.sending_ended_ns = 0
        self.last_arrival_ns = 0

    def __len__(self) -> int:
        """Return how many messages have been sent."""
        return self._sent

    @property
    def accepted(self) -> int:
        """Return how many were acknowledged."""
        return len(self._accepted)

    @property
    def done(self) -> int:
        """Return how many are on their way no longer: delivered, or not accepted."""
        return self.delivered + self.refused

    @property
    def refused(self) -> int:
        """Return how many were answered otherwise than AA or CA."""
        return self.codes.total() - self.accepted

    @property
    def on_their_way(self) -> int:
        """Return how many acknowledged messages some sink does not have yet."""
        return max(0, self.accepted - self.delivered)

    def control_id(self, number: int) -> str:
        """Return MSH-10 of the message with that number, counted from 0."""
        return control_id_of(self._prefix, number)

    def note_sent(self, now_ns: int, due_ns: int | None = None) -> None:
        """Add the next message, which was due now or earlier."""
        due_ns = now_ns if due_ns is None else due_ns
        self._times[self._sent] = _Times(due_ns, now_ns, self._timeline.at(due_ns), self._sinks)
        self._sent += 1
        self.interval.sent += 1
        self.phases[self._timeline.at(now_ns)].sent += 1
        if len(self._times) > self._capacity:
            self._times.popitem(last=False)
            self.misses += 1

    def note_answer(self, number: int, now_ns: int, code: str) -> None:
        """Record what came back for a message."""
        self.codes[code] += 1
        phase, times = self.phases[self._timeline.at(now_ns)], self._times.get(number)
        if code not in ACCEPTED:
            phase.errors += 1
            self.interval.errors += 1
            self._times.pop(number, None)
            return
        self._accepted.add(number)
        phase.accepted += 1
        self.interval.accepted += 1
        if times is not None:
            times.answered_ns = now_ns
            self.phases[times.phase].ack.add(now_ns - times.due_ns)
            self.interval.ack.add(now_ns - times.due_ns)
            self._forget_finished(number, times)

    def arrived(self, sink: int, control_id: str, now_ns: int) -> bool:
        """Record what came to a sink; False when it has been there before."""
        number, account = number_of(control_id, self._prefix, self._sent), self.accounts[sink]
        first = account.arrive(number)
        self.last_arrival_ns = now_ns
        if number is None or not first:
            return first
        times = self._times.get(number)
        if times is None:
            self._count_delivered_untimed(number, now_ns)
            return True
        account.judge_order(times.sent_ns, times.answered_ns)
        times.still_to_come -= 1
        if not times.still_to_come:
            self._note_delivered(now_ns)
            self.phases[times.phase].end_to_end.add(now_ns - times.due_ns)
            self.interval.end_to_end.add(now_ns - times.due_ns)
            self._forget_finished(number, times)
        return True

    def _count_delivered_untimed(self, number: int, now_ns: int) -> None:
        if all(number in account.arrived for account in self.accounts):
            self._note_delivered(now_ns)

    def _note_delivered(self, now_ns: int) -> None:
        self.delivered += 1
        self.interval.delivered += 1
        self.phases[self._timeline.at(now_ns)].delivered += 1

    def _forget_finished(self, number: int, times: _Times) -> None:
        if times.answered_ns and not times.still_to_come:
            del self._times[number]


@dataclass(slots=True)
class Correlated(Arrivals):
    """What arrived at one port of a sink, remembered by a correlator."""

    correlator: Correlator = field(kw_only=True)
    sink: int = field(kw_only=True)

    @property
    def unique(self) -> int:
        """Return how many different messages of this run have come."""
        return len(self.correlator.accounts[self.sink].arrived)

    def is_first(self, control_id: str, now_ns: int) -> bool:
        """Remember an arrival; False when the control id has come before."""
        return self.correlator.arrived(self.sink, control_id, now_ns)
