"""What arrived at one port of a sink."""

from dataclasses import dataclass, field

from .mllp import Header


@dataclass(slots=True)
class Arrivals:
    """Counts as messages come in."""

    first_ns: dict[str, int] = field(default_factory=dict)
    """control id to CLOCK_MONOTONIC ns of its first arrival, in the order of arrival"""
    duplicates: int = 0
    order_breaks: int = 0
    """control ids smaller than the one before; it means disorder only when one connection sent them"""
    connection_breaks: int = 0
    """the same on one connection to the sink; it means disorder only when one sender's messages come on it"""
    wrong_receiver: int = 0
    """messages whose MSH-5 is not what it should be"""
    connections: int = 0
    last_ns: int = 0
    """time of the latest arrival, duplicates included; 0 before the first"""
    _last_id: str = ""
    _last_ids: dict[int, str] = field(default_factory=dict)

    @property
    def unique(self) -> int:
        """Return how many different messages have come."""
        return len(self.first_ns)

    def clear(self) -> None:
        """Forget every message; connections stay counted."""
        self.first_ns = {}
        self.duplicates = self.order_breaks = self.connection_breaks = self.wrong_receiver = self.last_ns = 0
        self._last_id, self._last_ids = "", {}

    def note(self, header: Header, now_ns: int, receiver: str | None, connection: int = 0) -> None:
        """Count one message; `receiver` is the MSH-5 it must have, None when any will do."""
        self.last_ns = now_ns
        if receiver is not None and header.receiver != receiver:
            self.wrong_receiver += 1
        if not self.is_first(header.control_id, now_ns):
            self.duplicates += 1
            return
        if header.control_id < self._last_id:
            self.order_breaks += 1
        if header.control_id < self._last_ids.get(connection, ""):
            self.connection_breaks += 1
        self._last_id = self._last_ids[connection] = header.control_id

    def is_first(self, control_id: str, now_ns: int) -> bool:
        """Remember an arrival; False when the control id has come before."""
        if control_id in self.first_ns:
            return False
        self.first_ns[control_id] = now_ns
        return True
