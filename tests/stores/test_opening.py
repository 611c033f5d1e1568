"""Whose store it is, who may open it, and what is said to those who may not."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, CorruptStore, EngineRunning
from messagefoundry.contracts.hookspecs import CONTRACT
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_sql.opening import VERSION_TABLE, upgrade
from messagefoundry_sql.revisions import THIS
from messagefoundry_sqlite import plugin
from messagefoundry_sqlite.factory import SQLITE
from messagefoundry_sqlite.viewing import schema_change
from tests.stores.feed import Feed


def _child(code: str, *arguments: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


_HOLD = """
import sys
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_sqlite.factory import SQLITE
hold = SQLITE.hold(StoreLocation(path=sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_engine_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    location = StoreLocation(path=str(tmp_path / "store.db"))
    with _child(_HOLD, location.path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        card = json.loads((tmp_path / "store.db.engine").read_text())
        with pytest.raises(EngineRunning) as refusal:
            SQLITE.hold(location)
        assert f"on host {card['host']}, pid {child.pid}, started {card['started']}" in str(refusal.value)
        child.kill()
    hold = SQLITE.hold(location)
    assert json.loads((tmp_path / "store.db.engine").read_text())["pid"] == os.getpid()
    hold.release()
    hold.release()
    SQLITE.hold(location).release()


def test_a_second_engine_in_this_process_is_refused(tmp_path: Path) -> None:
    location = StoreLocation(path=str(tmp_path / "store.db"))
    hold = SQLITE.hold(location)
    (tmp_path / "store.db.engine").write_text("{")
    with pytest.raises(EngineRunning, match=r"another engine holds the store .*store\.db$"):
        SQLITE.hold(location)
    hold.release()


def test_files_are_their_owners_alone(feed: Feed) -> None:
    feed.received()
    hold = SQLITE.hold(feed.location)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in feed.folder.iterdir()}
    hold.release()
    names = ["store.db", "store.db-shm", "store.db-wal", "store.db.engine", "store.db.lock"]
    assert modes == dict.fromkeys(names, 0o600)


def test_a_clean_close_leaves_nothing_to_recover(feed: Feed) -> None:
    key = feed.received()
    feed.close()
    assert [path.name for path in feed.folder.iterdir()] == ["store.db"]
    feed.reopen()
    assert feed.disposition(key) == "RECEIVED"


def _location(folder: Path) -> StoreLocation:
    return StoreLocation(path=str(folder / "store.db"))


def _set_version(folder: Path, version: str) -> None:
    SQLITE.open(_location(folder), Plaintext()).close()
    connection = sqlite3.connect(folder / "store.db")
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (version,))
    connection.commit()
    connection.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    newer = THIS.version.number + 8
    _set_version(tmp_path, f"{newer:04}_{newer:04}")
    told = f"has schema version {newer}, and this release knows versions up to {THIS.version.number} "
    for opening in (SQLITE.open, SQLITE.reader):
        with pytest.raises(ConfigurationError, match=told):
            opening(_location(tmp_path), Plaintext())


def test_a_reader_does_not_read_an_older_schema(tmp_path: Path) -> None:
    _set_version(tmp_path, "0000")
    with pytest.raises(ConfigurationError, match="start the engine once"):
        SQLITE.reader(_location(tmp_path), Plaintext())


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is a letter, not a database\n" * 100)
    for opening in (SQLITE.open, SQLITE.reader):
        with pytest.raises(CorruptStore, match="is not an SQLite database"):
            opening(_location(tmp_path), Plaintext())
    assert (tmp_path / "store.db").read_bytes().startswith(b"this is a letter")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("CREATE TABLE message (id INTEGER)")
    connection.close()
    for opening in (SQLITE.open, SQLITE.reader):
        with pytest.raises(ConfigurationError, match="is an SQLite database of another program"):
            opening(_location(tmp_path), Plaintext())


def test_there_is_nothing_to_read_before_the_first_engine(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no store at"):
        SQLITE.reader(_location(tmp_path), Plaintext())
    (tmp_path / "store.db").touch()
    with pytest.raises(ConfigurationError, match="there is no store at"):
        SQLITE.reader(_location(tmp_path), Plaintext())


def test_every_problem_of_a_location_is_named(tmp_path: Path) -> None:
    location = StoreLocation(path=str(tmp_path / "no" / "store.db"), synchronous="off", options={"pool": 3})
    for use in (SQLITE.hold, lambda place: SQLITE.open(place, Plaintext())):
        with pytest.raises(ConfigurationError) as refusal:
            use(location)
        text = str(refusal.value)
        assert "SQLite has no option 'pool'" in text
        assert "synchronous is 'off' (use 'full' or 'normal')" in text
        assert "does not exist" in text


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not name a file"):
        SQLITE.open(StoreLocation(path=str(tmp_path)), Plaintext())


_OPEN_UNPRIVILEGED = """
import os, sys
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_sqlite.factory import SQLITE
if os.getuid() == 0:
    os.setuid(65534)
for use in (lambda place: SQLITE.open(place, Plaintext()), SQLITE.hold):
    try:
        use(StoreLocation(path=sys.argv[1]))
    except ConfigurationError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_read_only_store_is_refused() -> None:
    # Not in pytest's folder, which is closed to others: root has to become someone whom permissions bind.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        SQLITE.open(_location(folder), Plaintext()).close()
        (folder / "store.db").chmod(0o444)
        folder.chmod(0o555)
        with _child(_OPEN_UNPRIVILEGED, str(folder / "store.db")) as child:
            text, _ = child.communicate()
    assert "cannot be opened for writing: Permission denied" in text
    assert "cannot be locked: Permission denied" in text


def _schema(path: Path) -> dict[str, object]:
    """The columns of each table in their order, and the text of each index."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall()
        columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in tables}
    return {**columns, **{name: " ".join((sql or "").split()) for name, sql in indexes}}


def test_a_new_store_is_what_the_migrations_make(tmp_path: Path) -> None:
    SQLITE.open(_location(tmp_path), Plaintext()).close()
    raw = sqlite3.connect(tmp_path / "migrated.db", isolation_level=None)
    with schema_change(raw) as connection:
        upgrade(connection)
    raw.close()
    assert _schema(tmp_path / "migrated.db") == _schema(tmp_path / "store.db")
    migrated = StoreLocation(path=str(tmp_path / "migrated.db"))
    SQLITE.open(migrated, Plaintext()).close()
    SQLITE.reader(migrated, Plaintext()).close()


def _upgrade_and_fail(raw: sqlite3.Connection) -> None:
    with schema_change(raw) as connection:
        upgrade(connection)
        raise ZeroDivisionError


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    with pytest.raises(ZeroDivisionError):
        _upgrade_and_fail(raw)
    raw.close()
    assert _schema(tmp_path / "store.db") == {}


_IMPORTS = """
import sys
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_sqlite.factory import SQLITE
SQLITE.open(StoreLocation(path=sys.argv[1]), Plaintext()).close()
print("alembic" in sys.modules)
"""


def test_alembic_is_imported_only_to_migrate(tmp_path: Path) -> None:
    for _ in range(2):
        with _child(_IMPORTS, str(tmp_path / "store.db")) as child:
            assert child.communicate()[0] == "False\n"


def test_the_plugin_names_the_store() -> None:
    (spec,) = plugin.register_stores()
    assert (plugin.contract, spec.name, load(spec.store)) == (CONTRACT, "sqlite", SQLITE)
    (need,) = plugin.register_requirements()
    assert load(need.check)() is None


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(ConfigurationError, match=r"is too old: 3\.35 is needed"):
        SQLITE.open(_location(tmp_path), Plaintext())


def test_what_the_store_says_of_itself(tmp_path: Path) -> None:
    location = _location(tmp_path)
    assert SQLITE.describe(location).startswith(f"SQLite {location.path} (WAL, synchronous=full")
    assert SQLITE.control_path(location) == f"{location.path}.sock"


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
def test_the_durability_asked_for(tmp_path: Path, synchronous: str, level: int) -> None:
    feed = Feed(tmp_path, synchronous=synchronous)
    pragmas = ("synchronous", "journal_mode", "foreign_keys")
    values = [feed.store._cursor.execute(f"PRAGMA {name}").fetchall()[0][0] for name in pragmas]
    feed.close()
    assert values == [level, "wal", 0]
