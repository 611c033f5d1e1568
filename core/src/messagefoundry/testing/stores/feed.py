"""What the committer does to a store: mint ids, commit. And short words for the units of the clauses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from messagefoundry.contracts.ciphers import Cipher, Plaintext
from messagefoundry.contracts.units import (
    Failed,
    HandOff,
    Outgoing,
    ReadBookmark,
    Receive,
    ReceiveBatch,
    ReceiveOnce,
    RefillFlow,
    RefillLane,
    Refuse,
    Replay,
    ReplayDead,
    Routing,
    SettleDead,
    SettleDelivered,
    SettleRetry,
    Stage,
    StateWrite,
    Unit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.contracts.stores import MessageRow, StoreFactory, StoreLocation, WorkRow

U = TypeVar("U", bound=Unit)

RAW = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|C1|P|2.5\rPID|1||SECRETNAME\r"
EVERYTHING = 1_000_000
"""More bytes than any clause stores."""


@dataclass
class Feed:
    """An open store with a reader beside it, and a clock of ids."""

    factory: StoreFactory
    location: StoreLocation
    cipher: Cipher = field(default_factory=Plaintext)
    last: int = 0

    def __post_init__(self) -> None:
        self.store = self.factory.open(self.location, self.cipher)
        self.reader = self.factory.reader(self.location, self.cipher)

    def mint(self) -> int:
        """The next id."""
        self.last += 1
        return self.last

    def commit(self, *units: Unit) -> None:
        """Mint and commit a batch."""
        for unit in units:
            unit.mint(self.mint)
        self.store.commit(units)

    def one(self, unit: U) -> U:
        """Commit a batch of one."""
        self.commit(unit)
        return unit

    def close(self) -> None:
        """Close both sides."""
        self.reader.close()
        self.store.close()

    def reopen(self) -> None:
        """Close and open again."""
        self.close()
        self.__post_init__()

    def received(self, inbound: str = "IB", raw: bytes = RAW) -> int:
        """A message in RECEIVED; its id."""
        return self.one(receive(inbound, raw)).id

    def handed_off(self, *lanes: str, inbound: str = "IB", payload: bytes = b"payload") -> list[int]:
        """A message with one item in each lane: its id, then the items' ids."""
        message_id = self.received(inbound)
        unit = self.one(hand_off(message_id, *lanes, inbound=inbound, payload=payload))
        return [message_id, *(out.id for out in unit.outgoing)]

    def failed(self, stage: Stage = "routed", inbound: str = "IB", handler: str = "h") -> tuple[int, int]:
        """A message whose Router or Handler raised: its id, and the dead row's."""
        message_id = self.received(inbound)
        unit = self.one(hand_off(message_id, inbound=inbound, failed=[Failed(stage, handler, "boom")]))
        return message_id, unit.failed[0].id

    def lane(self, lane: str = "OB", **changes: Any) -> RefillLane:
        """What waits in a lane, in a window of 100."""
        return self.one(RefillLane(lane, **{"after": 0, "limit": 100, "max_bytes": EVERYTHING, "now": 0, **changes}))

    def flow(self, inbound: str = "IB", **changes: Any) -> RefillFlow:
        """What waits to be routed, in a window of 100."""
        return self.one(RefillFlow(inbound, **{"after": 0, "limit": 100, "max_bytes": EVERYTHING, **changes}))

    def bookmark(self, inbound: str = "IB") -> str:
        """The bookmark of an inbound."""
        return self.one(ReadBookmark(inbound)).bookmark

    def items(self, lane: str = "OB", **changes: Any) -> list[int]:
        """The ids that wait in a lane."""
        return [item.id for item in self.lane(lane, **changes).items]

    def message(self, message_id: int) -> MessageRow:
        """One message, which is there."""
        row = self.reader.message(message_id)
        assert row is not None, f"message {message_id} is not there"
        return row

    def work(self, message_id: int) -> WorkRow:
        """The one piece of work of a message."""
        (row,) = self.reader.work(message_id)
        return row

    def disposition(self, message_id: int) -> str:
        """A message's disposition."""
        return self.message(message_id).disposition

    def words(self, message_id: int) -> list[str]:
        """The words of a message's trail."""
        return [event.kind for event in self.reader.trail(message_id)]

    def states(self, message_id: int) -> dict[int, str]:
        """The states of a message's work."""
        return {row.id: row.state for row in self.reader.work(message_id)}

    def replay(self, message_id: int) -> Replay:
        """What runs a message again."""
        return Replay([message_id], "alice", 40)

    def replayed(self, work_id: int) -> int:
        """A dead row queued again; the id of the new one."""
        return self.one(ReplayDead([work_id], "alice", 40)).ids[0]

    def waiting(self, inbound: str = "IB") -> list[int]:
        """The messages that wait in a flow."""
        return [message.message_id for message in self.flow(inbound).messages]

    def written(self, states: Mapping[str, str], namespace: str = "ns") -> HandOff:
        """A message whose Handler has written these values of transform state."""
        writes = [StateWrite(namespace, key, value) for key, value in states.items()]
        return self.one(hand_off(self.received(), states=writes))

    def labelled(self, **meta: str) -> int:
        """A message with these labels; its id."""
        return self.one(hand_off(self.received(), meta=meta)).message_id


def receive(
    inbound: str = "IB", raw: bytes = RAW, at: int = 10, bookmark: str = "", parent: int | None = None, depth: int = 0
) -> Receive:
    """A message comes in."""
    place = (inbound, raw, "hl7v2", "utf-8", "C1", "ADT^A01", "10.0.0.1:5000", at)
    return Receive(*place, parent, bookmark, depth=depth)


def receive_once(
    identity: int = 1, digest: bytes = b"d", since: int = 0, inbound: str = "IB", at: int = 10, bookmark: str = ""
) -> ReceiveOnce:
    """A message comes in that may have come before."""
    place = (inbound, RAW, "hl7v2", "utf-8", "C1", "ADT^A01", "10.0.0.1:5000", at)
    return ReceiveOnce(*place, bookmark=bookmark, identity=identity, digest=digest, since=since)


def receive_batch(*members: Receive | Refuse, inbound: str = "IB") -> ReceiveBatch:
    """A batch of messages comes in."""
    return ReceiveBatch(receive(inbound, b"BHS|the batch"), members)


def refuse(inbound: str = "IB", raw: bytes = RAW, digest: bytes = b"d", code: str = "AE", at: int = 10) -> Refuse:
    """A message is refused."""
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
    passed: Sequence[Receive] = (),
    states: Sequence[StateWrite] = (),
    meta: Mapping[str, str] | None = None,
) -> HandOff:
    """Router and Handlers have run."""
    outgoing = [Outgoing(lane, "h", payload, "hl7v2", simulate) for lane in lanes]
    unit = HandOff(message_id, inbound, routing, outgoing, failed or [], "ran h", 20, routed_id)
    unit.passed, unit.states, unit.meta = passed, states, meta or {}
    return unit


def delivered(
    work_id: int, message_id: int, lane: str = "OB", attempt: int = 1, reingressed: Receive | None = None
) -> SettleDelivered:
    """An item is delivered."""
    unit = SettleDelivered(work_id, message_id, lane, attempt, '{"code":"AA"}', b"MSA|AA|C1", 30)
    unit.reingressed = reingressed
    return unit


def retry(work_id: int, message_id: int, due: int, attempt: int = 1, lane: str = "OB") -> SettleRetry:
    """An item is tried again later."""
    return SettleRetry(work_id, message_id, lane, attempt, "{}", b"MSA|AE|C1", 30, "partner said AE", due)


def dead(work_id: int, message_id: int, lane: str = "OB", attempt: int = 1) -> SettleDead:
    """An item is dead-lettered."""
    return SettleDead(work_id, message_id, lane, attempt, "{}", None, 30, "partner said AR")
