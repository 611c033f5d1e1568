"""Holding the figures of a run against what its profile demands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .books import Books
from .profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFigures:
    """What came of a phase."""

    name: str
    measured: bool
    seconds: float
    offered: float | None
    """messages a second at its end; None in a closed loop"""
    sent: int
    accepted: int
    errors: int
    delivered: int
    per_second: float
    """messages a second that arrived at every sink"""
    ack_ms: Mapping[str, float | None]
    end_to_end_ms: Mapping[str, float | None]


def phase_figures(profile: Profile, tallies: Sequence[Mapping[str, Any]], sent_seconds: float) -> list[PhaseFigures]:
    """Return the figures of the phases that have begun when sending ended after so long."""
    found: list[PhaseFigures] = []
    began = 0.0
    for phase, tally in zip(profile.phases, tallies, strict=False):
        seconds = min(phase.seconds, sent_seconds - began)
        if seconds <= 0:
            break
        began += phase.seconds
        found.append(
            PhaseFigures(
                name=phase.name,
                measured=phase.measured,
                seconds=round(seconds, 3),
                offered=None if phase.in_flight else round(phase.rate, 1),
                per_second=round(tally["delivered"] / seconds, 1),
                **tally,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One figure and its bound."""

    figure: str
    phase: str
    """empty: the whole run"""
    value: float | None
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Return whether it is as demanded; what was not measured is not."""
        if self.value is None:
            return False
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def bound(self) -> str:
        """Return the bound as `≥ 200`."""
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"

    @property
    def sentence(self) -> str:
        """Return figure, value and bound in words."""
        value = "was not measured" if self.value is None else f"is {self.value:g}"
        return f"{self.phase + ': ' if self.phase else ''}{self.figure} {value}, the objective is {self.bound}"

    def facts(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "met": self.met,
            "figure": self.figure,
            "phase": self.phase,
            "value": self.value,
            "least": self.least,
            "most": self.most,
        }


def checks(
    profile: Profile, phases: Sequence[PhaseFigures], books: Books, drain_seconds: float | None
) -> Iterator[Check]:
    """Yield every objective of a profile with what was reached; `drain_seconds` None: not drained."""
    demanded = profile.objectives
    reached = {figures.name: figures for figures in phases}
    for phase in profile.phases:
        if phase.measured:
            yield from _phase_checks(profile, phase.name, phase.least_rate, reached.get(phase.name))
    if demanded.error_share is not None:
        share = round(books.errors / books.sent, 6) if books.sent else None
        yield Check(figure="share of errors", phase="", value=share, most=demanded.error_share)
    if demanded.drain_seconds is not None:
        yield Check(figure="drain s", phase="", value=drain_seconds, most=demanded.drain_seconds)


def _phase_checks(
    profile: Profile, name: str, least_rate: float | None, reached: PhaseFigures | None
) -> Iterator[Check]:
    demanded = profile.objectives
    if least_rate is not None:
        yield Check(
            figure="msg/s",
            phase=name,
            value=None if reached is None else reached.per_second,
            least=round(least_rate, 1),
        )
    for figure, most, values in (
        ("ACK p99 ms", demanded.ack_p99_ms, None if reached is None else reached.ack_ms),
        ("end to end p99 ms", demanded.end_to_end_p99_ms, None if reached is None else reached.end_to_end_ms),
    ):
        if most is not None:
            yield Check(figure=figure, phase=name, value=None if values is None else values["p99"], most=most)
