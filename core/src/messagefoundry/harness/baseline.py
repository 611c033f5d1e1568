"""Comparing a report with an earlier one of the same load."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .load_report import FORMAT, Report

SMALLEST_MS = 5.0
"""p99 that differ by less are not judged: that much is the machine's"""
ENOUGH = 1000
"""p99 and processor time of fewer messages than these are not judged: they are about a handful, or a start"""


class BaselineError(Exception):
    """A file is no baseline for a report; the text says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure then and now."""

    phase: str
    figure: str
    before: float
    now: float
    worse: bool
    """by more than the tolerance"""
    doubt: str = ""
    """why it cannot be judged, though it differs by more than the tolerance"""

    @property
    def percent(self) -> float:
        """Return by how much it has grown; negative for shrunk."""
        return round((self.now - self.before) / self.before * 100, 1) if self.before else 0.0

    @property
    def sentence(self) -> str:
        """Return it in words."""
        return f"{self.phase}: {self.figure} was {self.before:g} and is {self.now:g} ({self.percent:+g} %)"

    def facts(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "phase": self.phase,
            "figure": self.figure,
            "before": self.before,
            "now": self.now,
            "percent": self.percent,
            "worse": self.worse,
            "doubt": self.doubt or None,
        }

    @property
    def verdict(self) -> str:
        """Return whether it is worse in a word, or why that cannot be said; "" when all is well."""
        return "WORSE" if self.worse else self.doubt


def read_baseline(path: Path) -> Mapping[str, Any]:
    """Read a JSON report. Raises BaselineError when it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BaselineError(
            f"{path} cannot be read as a report: {getattr(error, 'strerror', None) or 'no JSON'}"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or "load" not in content:
        raise BaselineError(f"{path} is no report of `harness load`: write one with --json FILE")
    return content


def refuse_other_load(path: Path, baseline: Mapping[str, Any], load: Mapping[str, Any]) -> None:
    """Raise BaselineError when a baseline is about another load: figures of different loads cannot be compared."""
    before, now = (json.loads(json.dumps(each)) for each in (baseline["load"], load))
    if differing := list(_differences(before, now)):
        raise BaselineError(f"{path} is about another load: {', '.join(differing)}")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs between two loads, each with both values, but for the duration."""
    for name in now:
        if name != "phases":
            yield from _difference(name, before.get(name), now[name])
    earlier, phases = before["phases"], now["phases"]
    if [phase["name"] for phase in earlier] != [phase["name"] for phase in phases]:
        yield from _difference("phases", *(", ".join(each["name"] for each in some) for some in (earlier, phases)))
        return
    for was, phase in zip(earlier, phases, strict=True):
        found = [name for name in phase if name != "seconds" and was.get(name) != phase[name]]
        if "rate" in found:  # what is demanded follows what is offered
            found = [name for name in found if name not in ("least_rate", "rate_from")]
        for name in found:
            yield from _difference(f"{name} of {phase['name']}", was.get(name), phase[name])


def _difference(name: str, before: Any, now: Any) -> Iterator[str]:
    if before != now:
        yield f"{name.replace('_', ' ')} {_shown(now)} instead of {_shown(before)}"


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "on", False: "off"}[value]
    return value if isinstance(value, str) else f"{value:g}"


def changes(report: Report, baseline: Mapping[str, Any], tolerance_percent: float) -> Iterator[Change]:
    """Yield every figure that both reports have."""
    earlier = {phase["name"]: phase for phase in baseline["phases"] if phase["measured"]}
    factor = tolerance_percent / 100
    for phase in report.phases:
        before = earlier.get(phase.name)
        if before is None:
            continue
        rate = before["per_second"]
        yield Change(phase.name, "msg/s", rate, phase.per_second, phase.per_second < rate * (1 - factor))
        for figure, times, count, values in (
            ("ACK p99 ms", "ack_ms", "accepted", phase.ack_ms),
            ("end to end p99 ms", "end_to_end_ms", "delivered", phase.end_to_end_ms),
        ):
            was, now = before[times]["p99"], values["p99"]
            if was is not None and now is not None:
                samples = min(before[count], getattr(phase, count))
                yield _tail(phase.name, figure, was, now, samples, grown=now - was > was * factor)
    was, now = baseline["cpu_ms_per_message"], report.cpu_ms_per_message
    if was and now:
        grown, doubt = now > was * (1 + factor), _too_few(min(baseline["reconciliation"]["sent"], report.books.sent))
        yield Change("all", "CPU ms a message", was, now, grown and not doubt, doubt if grown else "")


def _tail(phase: str, figure: str, was: float, now: float, samples: int, *, grown: bool) -> Change:
    """Return a p99 then and now; of too few messages, or with too small a difference, it is never worse."""
    doubt = _too_few(samples)
    if not doubt and now - was < SMALLEST_MS:
        doubt = f"too little to judge: less than {SMALLEST_MS:g} ms"
    return Change(phase, figure, was, now, grown and not doubt, doubt if grown else "")


def _too_few(messages: int) -> str:
    """Return why so many messages show nothing; "" when they are enough."""
    return f"too few to judge: {messages:,} messages of {ENOUGH:,}" if messages < ENOUGH else ""
