"""What is counted over a phase, or over a short interval."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .histogram import Histogram


@dataclass(slots=True)
class Tally:
    """Counts and times. Of a phase: times of the messages that came due in it, counts of what happened in it."""

    sent: int = 0
    accepted: int = 0
    errors: int = 0
    """answered otherwise than AA or CA"""
    delivered: int = 0
    """arrived at every sink"""
    ack: Histogram = field(default_factory=Histogram)
    end_to_end: Histogram = field(default_factory=Histogram)

    def facts(self) -> dict[str, Any]:
        """Return plain values, the times as percentiles in milliseconds."""
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "errors": self.errors,
            "delivered": self.delivered,
            "ack_ms": asdict(self.ack.latency()),
            "end_to_end_ms": asdict(self.end_to_end.latency()),
        }
