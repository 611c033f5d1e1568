"""Load profiles: what is offered in which phases, and what is demanded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of time under one load."""

    name: str
    seconds: float
    rate: float = 0.0
    """messages a second offered, at the end of a ramp; 0 in a closed loop"""
    rate_from: float | None = None
    """where a ramp begins; None: the rate stays the same"""
    in_flight: int = 0
    """closed loop: so many messages are on their way, from sender to sink, at any moment"""
    measured: bool = False
    """whether the objectives hold for it"""
    least_rate: float | None = None
    """messages a second that must arrive at every sink, where it is measured"""

    @property
    def offers(self) -> float:
        """Return how many messages come due."""
        return (self.rate + (self.rate if self.rate_from is None else self.rate_from)) / 2 * self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """Upper bounds; None: no demand. Latencies hold for each measured phase, the others for the whole run."""

    ack_p99_ms: float | None = None
    end_to_end_p99_ms: float | None = None
    error_share: float | None = 0.001
    """messages not accepted, of those sent"""
    drain_seconds: float | None = 60.0
    """from the end of sending until the last message has arrived"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A load to hold an engine against."""

    name: str
    says: str
    phases: tuple[Phase, ...]
    objectives: Objectives = field(default_factory=Objectives)
    connections: int = 8
    window: int = 1
    """messages without an answer that one connection may have"""
    fanout: int = 1
    """outbounds that get every message, in the built-in configuration"""
    correlator_capacity: int = 100_000
    """messages on their way whose times are kept; those beyond are counted, but not timed"""

    @property
    def seconds(self) -> float:
        """Return the sending time."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def closed(self) -> bool:
        """Whether what arrives decides when the next message is sent."""
        return any(phase.in_flight for phase in self.phases)

    @property
    def nominal_rate(self) -> float:
        """Return the highest rate of a measured phase; 0 in a closed loop."""
        return max(phase.rate for phase in self.phases if phase.measured)

    def lasting(self, seconds: float) -> "Profile":
        """Return the same in another time, every phase in proportion."""
        factor = seconds / self.seconds
        return self._with(replace(phase, seconds=phase.seconds * factor) for phase in self.phases)

    def at_rate(self, rate: float) -> "Profile":
        """Return the same with another highest measured rate; all rates, and those demanded, in proportion."""
        factor = rate / self.nominal_rate
        return self._with(
            replace(
                phase,
                rate=phase.rate * factor,
                rate_from=None if phase.rate_from is None else phase.rate_from * factor,
                least_rate=None if phase.least_rate is None else phase.least_rate * factor,
            )
            for phase in self.phases
        )

    def _with(self, phases: Iterable[Phase]) -> "Profile":
        return replace(self, phases=tuple(phases))


def _steady(name: str, seconds: float, rate: float) -> Phase:
    """Return a measured phase; a twentieth more is offered than must arrive, so that its edges decide nothing."""
    return Phase(name=name, seconds=seconds, rate=rate * 1.05, measured=True, least_rate=rate)


PROFILES = (
    Profile(
        name="smoke",
        says="A few hundred messages: is the wiring right, is nothing lost? Says nothing about speed.",
        phases=(
            Phase(name="warm-up", seconds=1, rate=20),
            Phase(name="steady", seconds=5, rate=50, measured=True),
        ),
        objectives=Objectives(error_share=0.0, drain_seconds=30),
        connections=2,
    ),
    Profile(
        name="fanout-baseline",
        says="Every message to three outbounds: warm-up, ramp, sustained load, a spike of twice as much, recovery.",
        phases=(
            Phase(name="warm-up", seconds=10, rate=50),
            Phase(name="ramp", seconds=20, rate_from=50, rate=210),
            _steady("sustained", 60, 200),
            Phase(name="spike", seconds=10, rate=420),
            Phase(name="recovery", seconds=20, rate=210),
            _steady("sustained again", 30, 200),
        ),
        objectives=Objectives(ack_p99_ms=50, end_to_end_p99_ms=5000),
        connections=16,
        fanout=3,
    ),
    Profile(
        name="reference",
        says="One outbound at rising rates: how latency grows with load. Keep its report as the baseline.",
        phases=(
            Phase(name="warm-up", seconds=10, rate=50),
            _steady("100 msg/s", 30, 100),
            _steady("200 msg/s", 30, 200),
            _steady("400 msg/s", 30, 400),
        ),
        objectives=Objectives(ack_p99_ms=50, end_to_end_p99_ms=5000),
        connections=16,
    ),
    Profile(
        name="closed-loop",
        says="So many messages on their way at any moment, the next when one has arrived: the most that is sustained.",
        phases=(
            Phase(name="warm-up", seconds=5, in_flight=4),
            *(
                Phase(name=f"{count} in flight", seconds=10, in_flight=count, measured=True)
                for count in (1, 4, 16, 64, 256)
            ),
        ),
        connections=32,
        window=8,
    ),
    Profile(
        name="soak",
        says="An hour at a steady rate: do memory, store and dead letters stay as they should?",
        phases=(
            Phase(name="warm-up", seconds=60, rate_from=20, rate=105),
            _steady("steady", 3600, 100),
        ),
        objectives=Objectives(ack_p99_ms=50, end_to_end_p99_ms=5000),
        connections=16,
    ),
)


def profile_named(name: str, profiles: Sequence[Profile] = PROFILES) -> Profile:
    """Return a profile. Raises KeyError."""
    return {profile.name: profile for profile in profiles}[name]
