"""Messages that come once, and messages that come together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from messagefoundry.contracts.units import ReceiveOnce, Refuse
from messagefoundry.testing.memory.happening import receive, refuse
from messagefoundry.testing.memory.tables import StoredArrival, StoredEvent

if TYPE_CHECKING:
    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import ForgetOnce, ReceiveBatch
    from messagefoundry.testing.memory.tables import Tables


def receive_once(tables: Tables, cipher: Cipher, unit: ReceiveOnce) -> None:
    """A new message, or an event of the first one that was like it and did not end as an ERROR."""
    before = _came_before(tables, unit)
    unit.repeat_of = next((key for key, row in sorted(before.items()) if row.digest == unit.digest), None)
    unit.reused = unit.repeat_of is None and bool(before)
    if unit.repeat_of is None:
        tables.arrivals[unit.id] = StoredArrival(unit.identity, unit.digest)
        receive(tables, cipher, unit)
        return
    detail = f"from {unit.peer}" if unit.peer else ""
    tables.add_event(StoredEvent(unit.id, unit.repeat_of, unit.received_at, "repeated", unit.inbound, detail))
    if unit.bookmark:
        tables.bookmarks[unit.inbound] = unit.bookmark


def _came_before(tables: Tables, unit: ReceiveOnce) -> dict[int, StoredArrival]:
    return {
        key: row
        for key, row in tables.arrivals.items()
        if row.identity == unit.identity and key >= unit.since and tables.disposition(tables.messages[key]) != "ERROR"
    }


def forget_once(tables: Tables, cipher: Cipher, unit: ForgetOnce) -> None:
    """What told repeats of old messages goes, the oldest first."""
    old = sorted(key for key in tables.arrivals if key < unit.before)[: unit.limit]
    for key in old:
        del tables.arrivals[key]
    unit.count = len(old)


def receive_batch(tables: Tables, cipher: Cipher, unit: ReceiveBatch) -> None:
    """A batch, which is never routed itself, and its members."""
    whole, count = unit.batch, len(unit.members)
    receive(tables, cipher, whole)
    tables.messages[whole.id] = replace(tables.messages[whole.id], routing="SPLIT")
    for member in unit.members:
        if isinstance(member, Refuse):
            refuse(tables, cipher, member)
        elif isinstance(member, ReceiveOnce):
            receive_once(tables, cipher, member)
        else:
            receive(tables, cipher, member)
    repeats = sum(isinstance(member, ReceiveOnce) and member.repeat_of is not None for member in unit.members)
    detail = f"{count} message{'' if count == 1 else 's'}" + (f", {repeats} of them repeats" if repeats else "")
    tables.add_event(StoredEvent(unit.id, whole.id, whole.received_at, "split", whole.inbound, detail))
