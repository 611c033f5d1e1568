"""Comparing a report with an earlier one of the same load."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .load_report import FORMAT, Report

SMALLEST_MS = 1.0
"""latencies that differ by less are the same: that much is the machine's"""


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
        }


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
    before, now = _without_times(baseline["load"]), _without_times(load)
    if differing := [name.replace("_", " ") for name in now if before.get(name) != now[name]]:
        raise BaselineError(f"{path} is about another load: it differs in {', '.join(differing)}")


def _without_times(load: Mapping[str, Any]) -> Any:
    phases = [{name: value for name, value in phase.items() if name != "seconds"} for phase in load["phases"]]
    return json.loads(json.dumps({**load, "phases": phases}))


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
        for figure, was, values in (
            ("ACK p99 ms", before["ack_ms"]["p99"], phase.ack_ms),
            ("end to end p99 ms", before["end_to_end_ms"]["p99"], phase.end_to_end_ms),
        ):
            if was is not None and values["p99"] is not None:
                grown = values["p99"] - was
                yield Change(phase.name, figure, was, values["p99"], grown > max(SMALLEST_MS, was * factor))
    was, now = baseline["cpu_ms_per_message"], report.cpu_ms_per_message
    if was and now:
        yield Change("all", "CPU ms a message", was, now, now > was * (1 + factor))
