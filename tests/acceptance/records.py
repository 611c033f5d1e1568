"""What a store holds once its engine has ended, and what must be true of it."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_sqlite.factory import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FINAL = {"PROCESSED", "FILTERED", "UNROUTED", "ERROR"}


@dataclass(frozen=True)
class Records:
    """The messages of a store in commit order, and the work of each."""

    control_ids: list[str]
    dispositions: dict[str, str]
    """by control id"""
    works: dict[str, Counter[tuple[str, str]]]
    """by control id: how many pieces of work in (lane, state)"""
    damage: list[str]
    """what an integrity check finds"""
    closed: bool
    """whether the last engine noted that it stopped in order"""

    def in_commit_order(self, control_ids: Iterable[str]) -> bool:
        """Whether messages come in the order in which they were committed, none of them twice."""
        place = {control_id: number for number, control_id in enumerate(self.control_ids)}
        places = [place[control_id] for control_id in control_ids]
        return all(earlier < later for earlier, later in itertools.pairwise(places))

    def not_final(self) -> dict[str, str]:
        """Messages that have not come to their end."""
        return {name: disposition for name, disposition in self.dispositions.items() if disposition not in FINAL}

    def delivered(self, lane: str) -> set[str]:
        """Messages that were delivered to a lane exactly once, by the store's own account."""
        return {control_id for control_id, works in self.works.items() if works[lane, "delivered"] == 1}


def records_of(database: Path) -> Records:
    """Read a store that nobody writes."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        messages = connection.execute("SELECT id, control_id, disposition FROM message ORDER BY id").fetchall()
        rows = connection.execute("SELECT message_id, lane, state FROM work").fetchall()
        ((running,),) = connection.execute("SELECT running FROM engine").fetchall()
    names = {message_id: control_id for message_id, control_id, _ in messages}
    works: dict[str, Counter[tuple[str, str]]] = {control_id: Counter() for control_id in names.values()}
    for message_id, lane, state in rows:
        works[names[message_id]][lane, state] += 1
    return Records(
        control_ids=list(names.values()),
        dispositions={name: found for _, name, found in messages},
        works=works,
        damage=damage_of(database),
        closed=not running,
    )


def damage_of(database: Path) -> list[str]:
    """What the store's own check finds wrong."""
    with closing(SQLITE.reader(StoreLocation(path=str(database)), Plaintext())) as reader:
        return reader.integrity()


def written_files(folder: Path) -> dict[str, int]:
    """The control id of each file in a folder, and when it was written, in ns as coarse as the file system has it."""
    return {path.stem: path.stat().st_mtime_ns for path in folder.iterdir()}
