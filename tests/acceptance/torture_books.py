"""What the store accounts for, message by message and attempt by attempt, once its engine has ended."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One received message."""

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


def books_of(database: Path) -> Books:
    """Read a store that nobody writes."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as store:
        messages = store.execute("SELECT id, control_id, disposition FROM message ORDER BY id").fetchall()
        works = store.execute("SELECT id, message_id, lane, state FROM work ORDER BY id").fetchall()
        events = store.execute(
            "SELECT at, message_id, connection, detail FROM event WHERE kind IN ('delivered', 'retry', 'dead')"
            " ORDER BY id"
        ).fetchall()
        ((running,),) = store.execute("SELECT running FROM engine").fetchall()
        checked = [row[0] for row in store.execute("PRAGMA integrity_check")]
    names = {message_id: control_id for message_id, control_id, _ in messages}
    return Books(
        messages=tuple(StoredMessage(*row) for row in messages),
        works=tuple(StoredWork(key, names[message_id], lane, state) for key, message_id, lane, state in works),
        attempts=tuple(_attempts(events, names)),
        damage=() if checked == ["ok"] else tuple(checked),
        closed=not running,
    )


def _attempts(events: list[tuple[int, int, str, str]], names: dict[int, str]) -> Iterator[Attempt]:
    """Those that were answered, and those of which nobody knows; a refused connection reached nobody."""
    for at, message_id, lane, detail in events:
        facts = json.loads(detail) if detail else {}
        if "msa_1" in facts or facts.get("outcome") == "unknown":
            yield Attempt(at, names[message_id], lane)
