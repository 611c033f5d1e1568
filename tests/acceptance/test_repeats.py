"""A sender that repeats all that was not acknowledged, and some of what was: each message is routed exactly once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.acceptance.records import records_of
from tests.acceptance.repeating import told_under_kills

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.place import Place


def test_repeats_are_told_across_kills(place: Place) -> None:
    sending = told_under_kills(place)
    records = records_of(place.database)
    assert sorted(records.control_ids) == sorted(sending.accepted), "every message once"
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.delivered("OB_MLLP") == sending.accepted
    repeats = repeats_in(place.database)
    assert repeats >= sending.needless > 0
    print(f"{repeats} repeats told, {sending.needless} of them of what had been acknowledged")
    assert records.damage == []


def repeats_in(database: Path) -> int:
    """How many repeats the trails of all messages have."""
    with closing(sqlite3.connect(database)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM event WHERE kind = 'repeated'").fetchall()
    return int(count)
