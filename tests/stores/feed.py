"""What the committer does to a store, for tests: mint ids, commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from messagefoundry.contracts.ciphers import Cipher, Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.contracts.units import (
    Failed,
    HandOff,
    Outgoing,
    Receive,
    RefillFlow,
    RefillLane,
    Refuse,
    Routing,
    SettleDead,
    SettleDelivered,
    SettleRetry,
    Unit,
)
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry_sql import SqlReader, SqlStore

U = TypeVar("U", bound=Unit)

RAW = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|C1|P|2.5\rPID|1||SECRETNAME\r"
EVERYTHING = 1_000_000


@dataclass
class Feed:
    """An open store, and a clock of ids."""

    folder: Path
    cipher: Cipher = field(default_factory=Plaintext)
    synchronous: str = "normal"
    last: int = 0

    def __post_init__(self) -> None:
        self.location = StoreLocation(path=str(self.folder / "store.db"), synchronous=self.synchronous)
        self.store: SqlStore = SQLITE.open(self.location, self.cipher)
        self.reader: SqlReader = SQLITE.reader(self.location, self.cipher)

    def mint(self) -> int:
        self.last += 1
        return self.last

    def commit(self, *units: Unit) -> None:
        for unit in units:
            unit.mint(self.mint)
        self.store.commit(units)

    def one(self, unit: U) -> U:
        self.commit(unit)
        return unit

    def close(self) -> None:
        self.reader.close()
        self.store.close()

    def reopen(self) -> None:
        self.close()
        self.__post_init__()

    def received(self, inbound: str = "IB", raw: bytes = RAW) -> int:
        return self.one(receive(inbound, raw)).id

    def handed_off(self, *lanes: str, inbound: str = "IB", payload: bytes = b"payload") -> list[int]:
        """A message with one item in each lane: its id, then the items' ids."""
        message_id = self.received(inbound)
        unit = self.one(hand_off(message_id, *lanes, inbound=inbound, payload=payload))
        return [message_id, *(out.id for out in unit.outgoing)]

    def failed(self, stage: str = "routed", inbound: str = "IB", handler: str = "h") -> tuple[int, int]:
        """A message whose Router or Handler raised: its id, and the dead row's."""
        message_id = self.received(inbound)
        unit = self.one(hand_off(message_id, inbound=inbound, failed=[Failed(stage, handler, "boom")]))  # type: ignore[arg-type]
        return message_id, unit.failed[0].id

    def lane(self, lane: str = "OB", **changes: object) -> RefillLane:
        values = {"after": 0, "limit": 100, "max_bytes": EVERYTHING, "now": 0, **changes}
        return self.one(RefillLane(lane=lane, **values))  # type: ignore[arg-type]

    def flow(self, inbound: str = "IB", **changes: int) -> RefillFlow:
        values = {"after": 0, "limit": 100, "max_bytes": EVERYTHING, **changes}
        return self.one(RefillFlow(inbound=inbound, **values))  # type: ignore[arg-type]

    def disposition(self, message_id: int) -> str:
        row = self.reader.message(message_id)
        assert row is not None
        return row.disposition

    def words(self, message_id: int) -> list[str]:
        return [event.kind for event in self.reader.trail(message_id)]

    def states(self, message_id: int) -> dict[int, str]:
        return {row.id: row.state for row in self.reader.work(message_id)}


def receive(inbound: str = "IB", raw: bytes = RAW, at: int = 10) -> Receive:
    return Receive(inbound, raw, "hl7v2", "utf-8", "C1", "ADT^A01", "10.0.0.1:5000", at)


def refuse(inbound: str = "IB", raw: bytes = RAW, digest: bytes = b"d", code: str = "AE", at: int = 10) -> Refuse:
    place = (inbound, raw, "hl7v2", "utf-8", "C1", "ADT^A01", "10.0.0.1:5000", at)
    return Refuse(*place, code=code, condition="102", reason="PID-3 is missing", digest=digest)


def hand_off(
    message_id: int,
    *lanes: str,
    inbound: str = "IB",
    routing: Routing = "PROCESSED",
    failed: list[Failed] | None = None,
    routed_id: int | None = None,
    payload: bytes = b"payload",
    simulate: bool = False,
) -> HandOff:
    outgoing = [Outgoing(lane, "h", payload, "hl7v2", simulate) for lane in lanes]
    return HandOff(message_id, inbound, routing, outgoing, failed or [], "ran h", 20, routed_id)


def delivered(work_id: int, message_id: int, lane: str = "OB", attempt: int = 1) -> SettleDelivered:
    return SettleDelivered(work_id, message_id, lane, attempt, '{"code":"AA"}', b"MSA|AA|C1", 30)


def retry(work_id: int, message_id: int, due: int, attempt: int = 1, lane: str = "OB") -> SettleRetry:
    return SettleRetry(work_id, message_id, lane, attempt, "{}", b"MSA|AE|C1", 30, "partner said AE", due)


def dead(work_id: int, message_id: int, lane: str = "OB", attempt: int = 1) -> SettleDead:
    return SettleDead(work_id, message_id, lane, attempt, "{}", None, 30, "partner said AR")
