"""`messagefoundry store copy`: everything arrives, is compared, and is opened by no engine before."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.store_copy import Copying, portions
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.contracts.units import HoldConnection, KeepReference, MarkRunning, NoteConnection
from messagefoundry.testing.stores.feed import receive, receive_batch, receive_once
from messagefoundry_sql.schema import metadata
from messagefoundry_sqlite.factory import SQLITE
from tests.stores.feed import Feed, dead, delivered, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.running import Command

MESSAGES = 40


def keep(feed: Feed) -> None:
    """What Routers and Handlers keep, and what came in more than one piece or more than once."""
    feed.written({"\N{SNOWMAN}": "1", "k": '"v"'})
    feed.labelled(b="1", A="2", Ä="3", a="4")
    feed.commit(KeepReference("npi", bytes(range(256)), 9), KeepReference("NPI", b"", 9))
    feed.commit(receive_batch(receive(depth=3), receive(), refuse(digest=b"of a member")))
    feed.commit(receive_once(-(2**63), bytes(range(32))), receive_once(2**63 - 1), receive_once(2**63 - 1))


@pytest.fixture
def source(repository: Path) -> Feed:
    """A store with something of everything, beside its configuration; no engine runs."""
    (repository / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n\n[store]\npath = "store.db"\n')
    feed = Feed(repository)
    feed.commit(MarkRunning(True, 5), NoteConnection("OB", "note", "\N{SNOWMAN}", 7), refuse())
    feed.commit(HoldConnection("OB", True, "alice", 8))
    for number in range(MESSAGES):
        message_id, first, second = feed.handed_off("OB", "OTHER", payload=bytes(range(256)) * (1 + number % 3))
        feed.commit(dead(first, message_id), delivered(second, message_id, "OTHER"))
    feed.received(raw=b"x" * 200_000)
    keep(feed)
    feed.close()
    return feed


@pytest.fixture
def target(repository: Path) -> Path:
    return repository / "other.db"


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table.name: sorted(connection.execute(f"SELECT * FROM {table.name}").fetchall())
            for table in metadata.sorted_tables
        }


def location(path: Path) -> StoreLocation:
    return StoreLocation(path=str(path))


def test_everything_arrives(source: Feed, target: Path, command: Command) -> None:
    ran = command("store", "copy", "--to", target, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)["tables"]
    there = content(Path(source.location.path))
    assert content(target) == there
    assert [table for table, rows in there.items() if not rows] == ["bookmark"]
    assert {table: its["rows"] for table, its in told.items()} == {table: len(rows) for table, rows in there.items()}
    assert len({its["hash"] for its in told.values() if its["rows"]}) == len([rows for rows in there.values() if rows])
    assert command("store", "status", "--db", target).code == 0
    hold = SQLITE.hold(location(target))
    SQLITE.open(location(target), Plaintext()).close()
    hold.release()


def test_a_settings_file_says_where(source: Feed, target: Path, command: Command) -> None:
    (target.parent / "other.toml").write_text(f'[ai]\nenvironment = "dev"\n\n[store]\npath = "{target}"\n')
    ran = command("store", "copy", "--to", "other.toml")
    assert ran.code == 0, ran.err
    assert "rows copied and found equal: SQLite" in ran.out
    assert content(target) == content(Path(source.location.path))


class Broken(Exception):
    """The copy ends here, as a power cut would have it."""


def broken_off(source: Feed, target: Path, at: int) -> None:
    """Copy, and end after so many steps."""
    steps = iter(range(at))

    def progress(_done: int, _total: int) -> None:
        if next(steps, None) is None:
            raise Broken

    with (
        closing(SQLITE.tables(source.location)) as tables,
        closing(SQLITE.tables(location(target), fill=True)) as filled,
        pytest.raises(Broken),
    ):
        Copying(tables, filled, progress).run()


@pytest.mark.parametrize("steps", [0, 1, 3, 8, 14, 20])
def test_a_copy_that_was_broken_off_goes_on(source: Feed, target: Path, command: Command, steps: int) -> None:
    broken_off(source, target, steps)
    for refusing in (SQLITE.open, SQLITE.reader):
        with pytest.raises(ConfigurationError, match="is an unfinished copy"):
            refusing(location(target), Plaintext())
    assert command("serve", "--db", target, "--port", "0").code == 2
    assert command("store", "copy", "--to", target).code == 0
    assert content(target) == content(Path(source.location.path))


def test_a_source_that_has_gone_on_meanwhile(source: Feed, target: Path, command: Command) -> None:
    broken_off(source, target, 14)
    source.__post_init__()
    source.commit(refuse(digest=b"another"), refuse(digest=b"one more"))
    with closing(sqlite3.connect(source.location.path)) as connection, connection:
        connection.execute("UPDATE work SET attempts = 7 WHERE id = (SELECT min(id) FROM work)")
        connection.execute("UPDATE body SET sealed = x'00' WHERE id = (SELECT min(id) FROM body)")
    source.close()
    assert command("store", "copy", "--to", target).code == 0
    assert content(target) == content(Path(source.location.path))


def test_a_copy_that_is_not_equal_stays_unfinished(source: Feed, target: Path, command: Command) -> None:
    with closing(SQLITE.tables(location(target), fill=True)):
        """Begin, and give the target a mind of its own."""
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute(
            "CREATE TRIGGER t AFTER INSERT ON event BEGIN UPDATE event SET at = 0 WHERE id = NEW.id; END"
        )
    ran = command("store", "copy", "--to", target)
    assert ran.code == 1
    assert "the table event is not equal in the copy" in ran.err
    assert command("store", "status", "--db", target).code == 2


def test_what_cannot_be_copied_is_a_sentence(
    source: Feed, target: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(to: object) -> str:
        ran = command("store", "copy", "--to", to)
        assert ran.code in (1, 2)
        assert "Traceback" not in ran.err
        return ran.err

    hold = SQLITE.hold(source.location)
    assert "stop it first" in refused(target)
    hold.release()
    assert not target.exists()
    assert "takes no URL" in refused("postgresql://user:secret@db/x")
    assert "does not exist" in refused(target.parent / "no" / "folder.db")
    assert "both are the same store" in refused(source.location.path)
    monkeypatch.setenv("MEFOR_STORE_PATH", "store.db")
    (target.parent / "other.toml").write_text('[ai]\nenvironment = "dev"\n[store]\npath = "elsewhere.db"\n')
    assert "both are the same store" in refused("other.toml")
    monkeypatch.delenv("MEFOR_STORE_PATH")
    SQLITE.open(location(target), Plaintext()).close()
    assert "is not empty" in refused(target)


def test_portions_are_bounded_by_rows_and_bytes() -> None:
    small = [(number,) for number in range(12_000)]
    assert [len(portion) for portion in portions(small)] == [5000, 5000, 2000]
    large: Iterator[tuple[Any, ...]] = ((number, b"x" * (3 << 20)) for number in range(7))
    assert [len(portion) for portion in portions(large)] == [3, 3, 1]


def test_pages_go_through_keys_of_every_kind(source: Feed, target: Path) -> None:
    source.__post_init__()
    for number in range(150):
        source.commit(HoldConnection(f"OB{number}", True, "alice", number))
    source.close()
    there = content(Path(source.location.path))
    with closing(SQLITE.tables(source.location)) as tables:
        assert set(tables.names) == set(metadata.tables)
        for table in tables.names:
            assert sorted(tables.rows(table), key=repr) == sorted(map(tuple, there[table]), key=repr)
        assert tables.last("connection_hold") is None
        last = tables.last("event")
        assert last == max(row[0] for row in there["event"])
        assert list(tables.rows("event", after=last)) == []
