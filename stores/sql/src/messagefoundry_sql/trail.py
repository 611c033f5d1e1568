"""The words of a message's trail. `received` and `refused` are read off the message itself and have no row."""

from __future__ import annotations

from typing import Final

RECEIVED: Final = "received"
REFUSED: Final = "refused"
REPEATED: Final = "repeated"
SPLIT: Final = "split"

ROUTED: Final = "routed"
UNROUTED: Final = "unrouted"
FILTERED: Final = "filtered"
PROCESSED: Final = "processed"
FAILED: Final = "failed"
"""A hand-off with a dead row: a Router or Handler that raised, or a Send to nowhere."""

DELIVERED: Final = "delivered"
RETRY: Final = "retry"
DEAD: Final = "dead"
LATE: Final = "answered late"

REPLAY: Final = "replay"
RESEND: Final = "resend"
DEAD_LETTER: Final = "dead-letter"
REMOVED: Final = "removed"

HELD: Final = "held"
RELEASED: Final = "released"


def by(actor: str, reason: str = "") -> str:
    """The detail of something that a person did."""
    return f"by {actor}: {reason}" if reason else f"by {actor}"
