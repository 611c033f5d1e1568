"""The partners that the harness plays: they take everything, but for the lane that is to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.harness.acts import Act
from messagefoundry.harness.scripted_partner import ScriptedPartner

if TYPE_CHECKING:
    from collections.abc import Mapping

    import trio

    from messagefoundry.harness.scripted_partner import Received

FIRST, FURTHER = Act("AE"), Act("AR")
"""How a lane is made to try again and then to give up, whatever its policy of retries is."""


@dataclass(slots=True)
class Fault:
    """Which lane is to fail, and for which message: "" for every one. `refused` counts what was not taken."""

    lane: str
    control_id: str = ""
    refused: int = 0
    mended: bool = False


@dataclass(slots=True)
class PlayedPartners:
    """A partner on a port of its own for each lane, and the fault that one of them has at the time."""

    fault: Fault | None = None
    taken: dict[str, int] = field(default_factory=dict)
    """messages answered AA, by lane"""

    async def open(self, nursery: trio.Nursery, lanes: Mapping[str, int]) -> dict[str, int]:
        """Listen for each lane at its port, 0 for any; the ports. Raises OSError when one cannot be had."""
        self.taken = dict.fromkeys(lanes, 0)
        return {lane: await nursery.start(self._partner_of(lane).serve, port) for lane, port in lanes.items()}

    def forget(self) -> None:
        """Count what is taken from 0 again."""
        self.taken = dict.fromkeys(self.taken, 0)

    def _partner_of(self, lane: str) -> ScriptedPartner:
        def answering(received: Received) -> Act:
            return self._act(lane, received)

        return ScriptedPartner(answering)

    def _act(self, lane: str, received: Received) -> Act:
        fault = self.fault
        if fault is None or fault.mended or fault.lane != lane or fault.control_id not in ("", received.control_id):
            self.taken[lane] += 1
            return Act()
        fault.refused += 1
        return FIRST if fault.refused == 1 else FURTHER
