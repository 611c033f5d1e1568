"""What the store accounts for, message by message and attempt by attempt, once its engine has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.acceptance.torture_stores import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.acceptance.torture_stores import TortureStore


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message that was received from outside; the works and attempts of what came of it count as its own."""

    id: int
    control_id: str
    disposition: str


@dataclass(frozen=True, slots=True)
class StoredWork:
    """One piece of work; `lane` is "" at the stages before a lane."""

    id: int
    control_id: str
    lane: str
    state: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery that may have reached the partner, as the trail has it. `at`: microseconds."""

    at: int
    control_id: str
    lane: str


@dataclass(frozen=True, slots=True)
class Books:
    """Everything in the order of its ids."""

    messages: tuple[StoredMessage, ...]
    works: tuple[StoredWork, ...]
    attempts: tuple[Attempt, ...]
    damage: tuple[str, ...] = ()
    """what an integrity check finds"""
    closed: bool = True
    """whether the last engine noted that it stopped in order"""


def books_of(store: TortureStore) -> Books:
    """Read a store that nobody writes."""
    with store.connected() as connection:
        messages = rows_of(connection, "SELECT id, control_id, disposition, depth, routing FROM message ORDER BY id")
        works = rows_of(connection, "SELECT id, message_id, lane, state FROM work ORDER BY id")
        events = rows_of(
            connection,
            "SELECT at, message_id, connection, detail FROM event WHERE kind IN ('delivered', 'retry', 'dead')"
            " ORDER BY id",
        )
        ((running,),) = rows_of(connection, "SELECT running FROM engine")
    names = {message_id: control_id for message_id, control_id, *_ in messages}
    return Books(
        messages=tuple(StoredMessage(*row) for *row, depth, routing in messages if not depth and routing != "SPLIT"),
        works=tuple(StoredWork(key, names[message_id], lane, state) for key, message_id, lane, state in works),
        attempts=tuple(_attempts(events, names)),
        damage=tuple(store.damage()),
        closed=not running,
    )


def _attempts(events: Sequence[tuple[Any, ...]], names: dict[int, str]) -> Iterator[Attempt]:
    """Those that were answered, and those of which nobody knows; a refused connection reached nobody."""
    for at, message_id, lane, detail in events:
        facts = json.loads(detail) if detail else {}
        if "msa_1" in facts or facts.get("outcome") == "unknown":
            yield Attempt(at, names[message_id], lane)
