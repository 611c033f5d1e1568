"""One store and the code of several releases: this one, and synthetic ones after it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, MessageFoundryError
from messagefoundry.contracts.stores import MessageQuery, StoreLocation
from messagefoundry.testing import free_port
from messagefoundry_sql.opening import VERSION_TABLE, prepare
from messagefoundry_sql.revisions import THIS, Release, Version, parse, pending, script_config
from messagefoundry_sqlite import factory
from messagefoundry_sqlite.connecting import writing
from messagefoundry_sqlite.factory import SqliteStores
from messagefoundry_sqlite.identity import version_of
from messagefoundry_sqlite.viewing import schema_change
from tests.cli.running import READY, Command, serving
from tests.stores.feed import Feed, dead, delivered, refuse, retry

OURS = THIS.version.number
FOLDERS = (*THIS.folders, Path(__file__).parent / "next_release")

EXPANDED, CONTRACTED, MORE = OURS + 1, OURS + 2, OURS + 3
NEXT = Release(Version(CONTRACTED, EXPANDED), needed=EXPANDED, folders=FOLDERS)
"""Adds something, and removes something that only this release uses."""
LATER = Release(Version(MORE, EXPANDED), needed=MORE, folders=(*FOLDERS, Path(__file__).parent / "later_release"))
"""Needs what comes after that removal."""

OURS_STANDS = str(THIS.version)
EXPANDED_STANDS = f"{EXPANDED:04}"
CONTRACTED_STANDS = f"{CONTRACTED:04}_{EXPANDED:04}"
MORE_STANDS = f"{MORE:04}_{EXPANDED:04}"


@pytest.fixture
def location(tmp_path: Path) -> StoreLocation:
    return StoreLocation(path=str(tmp_path / "store.db"))


def run(location: StoreLocation, release: Release = THIS) -> None:
    """What an engine of a release does to the schema when it starts."""
    SqliteStores(release).open(location, Plaintext()).close()


def stands(location: StoreLocation) -> str:
    with closing(sqlite3.connect(location.path)) as connection:
        return str(connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()[0])


def test_this_release_says_what_its_migrations_are() -> None:
    scripts = list(ScriptDirectory.from_config(script_config(THIS)).walk_revisions())[::-1]
    versions = [parse(script.revision, "") for script in scripts]
    assert [version.number for version in versions] == list(range(1, OURS + 1))
    assert sorted(version.since for version in versions) == [version.since for version in versions]
    assert versions[-1] == THIS.version
    expanding = [1] + [step.revision for step in pending(THIS, versions[0]) if step.half == "expand"]
    assert max(expanding) == THIS.needed
    assert all(script.doc for script in scripts)


def test_a_start_expands_and_leaves_the_contraction(location: StoreLocation) -> None:
    run(location)
    run(location, NEXT)
    assert stands(location) == EXPANDED_STANDS
    state = SqliteStores(NEXT).state(location)
    assert (state.revision, state.known) == (EXPANDED, CONTRACTED)
    assert [(step.revision, step.half, step.summary) for step in state.pending] == [
        (CONTRACTED, "contract", "Repeats are no longer counted")
    ]


def test_our_code_works_on_the_next_releases_schema(tmp_path: Path, location: StoreLocation) -> None:
    Feed(tmp_path).close()
    SqliteStores(NEXT).migrate(location, contract=False)
    feed = Feed(tmp_path)
    feed.commit(refuse())
    feed.commit(refuse())
    message_id, first, second = feed.handed_off("OB", "OTHER")
    feed.commit(retry(first, message_id, 5))
    feed.lane()
    feed.flow()
    feed.commit(dead(first, message_id), delivered(second, message_id, "OTHER"))
    assert feed.disposition(message_id) == "ERROR"
    assert feed.reader.dispositions() == {"ERROR": 1, "REFUSED": 1}
    assert sum(row.repeats for row in feed.reader.messages(MessageQuery())) == 1
    assert feed.reader.integrity() == []
    feed.close()
    assert stands(location) == EXPANDED_STANDS


def test_an_engine_of_ours_goes_back_to_a_store_that_the_next_release_had(repository: Path, command: Command) -> None:
    """As an operator does who puts the release before back."""
    environ = {"MEFOR_VALUE_EXAMPLE_ADT_PORT": str(free_port())}
    store = StoreLocation(path=str(repository / "messagefoundry.db"))
    run(store)
    run(store, NEXT)
    with serving(repository, environ=environ) as engine:
        engine.until(READY)
        ran = command("send", environ["MEFOR_VALUE_EXAMPLE_ADT_PORT"], "messages/sets/example_adt.hl7")
        assert "1 accepted" in ran.out
        assert engine.stop() == 0
    assert command("status").code == 0
    SqliteStores(NEXT).migrate(store, contract=True)
    for arguments in (["status"], ["store", "status"], ["serve", "--port", "0"]):
        refused = command(*arguments)
        assert refused.code == 2
        assert f"has schema version {CONTRACTED}, and this release knows versions up to {OURS} " in refused.err
        assert "Traceback" not in refused.err


def test_the_next_releases_code_takes_our_store_over(location: StoreLocation) -> None:
    run(location)
    with pytest.raises(ConfigurationError, match=f"this release reads version {EXPANDED} "):
        SqliteStores(NEXT).reader(location, Plaintext())
    run(location, NEXT)
    SqliteStores(NEXT).reader(location, Plaintext()).close()


def test_a_new_store_has_nothing_pending(location: StoreLocation) -> None:
    run(location, NEXT)
    assert stands(location) == CONTRACTED_STANDS
    assert SqliteStores(NEXT).state(location).pending == ()


def test_who_is_alone_may_skip_a_release(location: StoreLocation) -> None:
    run(location)
    run(location, LATER)
    assert stands(location) == MORE_STANDS


def test_who_may_not_be_alone_is_told_to_contract_first(location: StoreLocation) -> None:
    """As on a server database, where engines of other releases may run."""
    run(location)
    raw = writing(Path(location.path), "normal")
    with (
        closing(raw),
        pytest.raises(ConfigurationError, match=rf"after version {CONTRACTED} has removed .*store migrate"),
    ):
        prepare("X", version_of(raw, "X"), lambda: schema_change(raw), release=LATER)
    assert stands(location) == OURS_STANDS


def test_a_second_start_waits_for_a_migration(location: StoreLocation) -> None:
    """Neither runs a migration twice, whoever comes first; the hold that would refuse one of them is not taken here."""
    run(location)
    failures: list[MessageFoundryError] = []

    def start() -> None:
        try:
            run(location, LATER)
        except MessageFoundryError as error:
            failures.append(error)

    starts = [threading.Thread(target=start) for _ in range(3)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    assert failures == []
    assert stands(location) == MORE_STANDS


@pytest.mark.parametrize("seen", [None, THIS.version])
def test_who_comes_second_finds_the_work_done(location: StoreLocation, seen: Version | None) -> None:
    """What it saw of the store before it could begin is out of date."""
    run(location, LATER)
    raw = writing(Path(location.path), "normal")
    with closing(raw):
        prepare("X", seen, lambda: schema_change(raw), release=LATER)
    assert stands(location) == MORE_STANDS


# -- messagefoundry store migrate ------------------------------------------------------------------------------------


@pytest.fixture
def upgraded(repository: Path, monkeypatch: pytest.MonkeyPatch) -> StoreLocation:
    """The store of this release, and the commands of the next one."""
    location = StoreLocation(path=str(repository / "messagefoundry.db"))
    run(location)
    monkeypatch.setattr(factory.SQLITE, "release", NEXT)
    return location


def test_migrate_runs_one_half_and_asks_for_the_other(upgraded: StoreLocation, command: Command) -> None:
    status = command("store", "status")
    assert f"schema version {OURS}, this release knows {CONTRACTED}" in status.out
    assert f"pending: {EXPANDED} (expand: safe while engines of the release before run) Room for remarks" in status.out
    assert f"pending: {CONTRACTED} (contract: " in status.out

    asked = command("store", "migrate")
    assert asked.code == 2
    assert f"done {EXPANDED} (expand) Room for remarks" in asked.out
    assert "repeat the command with --yes" in asked.err
    assert stands(upgraded) == EXPANDED_STANDS

    assert command("store", "migrate", "--expand").code == 0
    assert stands(upgraded) == EXPANDED_STANDS

    done = command("store", "migrate", "--yes")
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 migration done")
    assert stands(upgraded) == CONTRACTED_STANDS
    assert command("store", "migrate").out == "nothing is pending\n"


def test_a_backup_is_made_before_the_upgrade(upgraded: StoreLocation, command: Command) -> None:
    ran = command("backup", "before.db")
    assert ran.code == 0, ran.err
    assert stands(StoreLocation(path="before.db")) == stands(upgraded) == OURS_STANDS


def test_only_the_safe_half_runs_under_an_engine(upgraded: StoreLocation, command: Command) -> None:
    hold = SqliteStores().hold(upgraded)
    ran = command("store", "migrate", "--yes")
    hold.release()
    assert ran.code == 1
    assert "stop it first" in ran.err
    assert stands(upgraded) == EXPANDED_STANDS


def test_a_migration_that_fails_changes_nothing(upgraded: StoreLocation, command: Command) -> None:
    with closing(sqlite3.connect(upgraded.path)) as connection:
        connection.execute("CREATE TABLE remark (id INTEGER)")
    ran = command("store", "migrate")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert stands(upgraded) == OURS_STANDS
    with closing(sqlite3.connect(upgraded.path)) as connection:
        assert "remark" not in [row[1] for row in connection.execute("PRAGMA table_info(message)")]
