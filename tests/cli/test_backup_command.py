"""`messagefoundry backup`: a new file, whole, durable, or a sentence."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import ConfigurationError, CorruptStore
from messagefoundry_sqlite import backing_up
from messagefoundry_sqlite.factory import SQLITE
from tests.acceptance.records import damage_of
from tests.stores.feed import Feed, receive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.running import Command

MESSAGES = 120


@pytest.fixture
def feed(repository: Path) -> Iterator[Feed]:
    """An open store, as under an engine, beside its configuration."""
    (repository / "messagefoundry.toml").write_text('[ai]\nenvironment = "dev"\n\n[store]\npath = "store.db"\n')
    feed = Feed(repository)
    feed.commit(*(receive(raw=b"x" * 20_000) for _ in range(MESSAGES)))
    yield feed
    feed.close()


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_a_backup_beside_an_open_store(feed: Feed, command: Command) -> None:
    file = feed.folder / "monday.db"
    ran = command("backup", "monday.db", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told.pop("seconds") >= 0
    assert told == {"backup": "monday.db", "messages": MESSAGES, "bytes": file.stat().st_size}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert damage_of(file) == []
    assert count(file) == MESSAGES
    assert leftovers(feed.folder) == []
    assert f"{MESSAGES} messages" in command("backup", "tuesday.db").out


def test_it_is_one_moment_of_the_store_and_ends_under_load(feed: Feed) -> None:
    """A commit between any two steps: none of them is in the copy, and none makes it begin again."""
    steps: list[tuple[int, int]] = []

    def commit_something(done: int, total: int) -> None:
        assert len(steps) < 1000, "it begins again with each commit"
        steps.append((done, total))
        feed.received()

    made = SQLITE.backup(feed.location, feed.folder / "copy.db", commit_something)
    assert made.messages == MESSAGES == count(feed.folder / "copy.db")
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert count(feed.folder / "store.db") == MESSAGES + len(steps)


@pytest.mark.parametrize(
    "check", [("store", "status", "--db"), ("status", "--integrity", "--db"), ("messages", "list", "--db")]
)
def test_a_check_leaves_nothing_beside_a_backup(feed: Feed, command: Command, check: tuple[str, ...]) -> None:
    folder = feed.folder / "backups"
    folder.mkdir()
    assert command("backup", "backups/monday.db").code == 0
    content = (folder / "monday.db").read_bytes()
    ran = command(*check, "backups/monday.db")
    assert ran.code == 0, ran.err
    assert [path.name for path in folder.iterdir()] == ["monday.db"]
    assert (folder / "monday.db").read_bytes() == content


def test_a_check_under_an_engine_takes_nothing_away(feed: Feed, command: Command) -> None:
    """Whether its log has content or was just emptied."""
    wal = feed.folder / "store.db-wal"
    assert command("status", "--integrity").code == 0
    assert wal.stat().st_size
    with closing(sqlite3.connect(feed.folder / "store.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert not wal.stat().st_size
    assert command("status", "--integrity").code == 0
    feed.received()
    assert wal.stat().st_size
    assert count(feed.folder / "store.db") == MESSAGES + 1


def test_a_log_beside_a_copied_store_is_read_and_left(feed: Feed, command: Command) -> None:
    """What is only in the log belongs to the store, and a check changes neither."""
    folder = feed.folder / "damaged"
    folder.mkdir()
    for name in ("store.db", "store.db-wal"):
        shutil.copy(feed.folder / name, folder / name)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    listed = command("messages", "list", "--db", "damaged/store.db", "--limit", "1000", "--json")
    assert len(json.loads(listed.out)) == MESSAGES
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_nothing_is_overwritten(feed: Feed, command: Command) -> None:
    (feed.folder / "kept.db").write_text("something else")
    (feed.folder / "dangling.db").symlink_to(feed.folder / "elsewhere.db")
    for name in ("kept.db", "dangling.db", "store.db", "."):
        ran = command("backup", name)
        assert ran.code == 2
        assert "exists, and a backup overwrites nothing" in ran.err
    assert (feed.folder / "kept.db").read_text() == "something else"
    assert not (feed.folder / "elsewhere.db").exists()


def test_a_file_that_comes_meanwhile_is_not_overwritten(feed: Feed, command: Command) -> None:
    file = feed.folder / "copy.db"

    def come_first(_done: int, _total: int) -> None:
        file.write_text("first")

    with pytest.raises(ConfigurationError, match="exists, and a backup overwrites nothing"):
        SQLITE.backup(feed.location, file, come_first)
    assert file.read_text() == "first"
    assert leftovers(feed.folder) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_is_broken_off_leaves_nothing(feed: Feed, error: type[BaseException]) -> None:
    def stop(_done: int, _total: int) -> None:
        raise error

    with pytest.raises(error):
        SQLITE.backup(feed.location, feed.folder / "copy.db", stop)
    assert not (feed.folder / "copy.db").exists()
    assert leftovers(feed.folder) == []
    feed.received()


def test_an_unsound_copy_is_thrown_away(feed: Feed) -> None:
    feed.close()
    path = feed.folder / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        ((page,),) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message_unrouted'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek(page * 4096 - 1)
        file.write(b"\x7f")
    with pytest.raises(CorruptStore, match="is not sound"):
        SQLITE.backup(feed.location, feed.folder / "copy.db", lambda _done, _total: None)
    assert leftovers(feed.folder) == []
    assert not (feed.folder / "copy.db").exists()
    shutil.copy(path, feed.folder / "damaged.db")
    path.unlink()
    feed.__post_init__()


def test_a_disk_without_room_is_left_alone(feed: Feed, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backing_up, "RESERVE", 1 << 60)
    ran = command("backup", "copy.db")
    assert ran.code == 2
    assert "has no room in" in ran.err
    assert not (feed.folder / "copy.db").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no/folder/x.db"], "does not exist"),
        (["x.db", "--db", "none.db"], "there is no store at"),
        (["x.db", "--db", "messagefoundry.toml"], "is not an SQLite database"),
    ],
)
def test_what_cannot_be_backed_up_is_a_sentence(
    feed: Feed, command: Command, arguments: list[str], sentence: str
) -> None:
    ran = command("backup", *arguments)
    assert ran.code in (1, 2)
    assert sentence in ran.err
    assert "Traceback" not in ran.err
