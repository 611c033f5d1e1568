"""Synthetic newer releases of the store's schema, and lives that end in the middle of the upgrade to one."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import messagefoundry_sql
from messagefoundry_sql.opening import VERSION_TABLE
from messagefoundry_sql.schema import REVISION
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.acceptance.torture_world import Activity, World

STEPS = 7
"""Marks that one migration leaves."""

MIGRATION = '''"""A migration of every kind of change, which leaves a mark after each and takes its time."""

import os

import sqlalchemy as sa
from alembic import op

revision = "{new:04}"
down_revision = "{old:04}"
branch_labels = None
depends_on = None

PAUSE = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n"
FILL = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
    INSERT INTO torture_{new} SELECT i, randomblob(16000) FROM n"""


def mark():
    with open(os.environ["TORTURE_MARKS"], "a") as marks:
        marks.write("x")
    op.get_bind().execute(sa.text(PAUSE)).fetchall()


def upgrade():
    mark()
    op.add_column("message", sa.Column("torture_{new}", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    mark()
    op.create_table("torture_{new}", sa.Column("id", sa.Integer, primary_key=True), sa.Column("ballast", sa.BLOB))
    mark()
    op.execute(FILL)
    mark()
    op.execute("UPDATE message SET torture_{new} = id")
    mark()
    op.create_index("torture_{new}_index", "message", ["torture_{new}"])
    mark()
    op.execute("DROP TABLE IF EXISTS torture_{old}")
    mark()
'''
"""The ballast is more than SQLite keeps in memory: the transaction reaches the write-ahead log before its end."""


def killed_while_upgrading(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends while the next release upgrades the store, which then has the old schema or the new one, whole."""
    if not _revision(world.place.database):
        return  # nothing was created yet that could be upgraded
    _install(world, world.release + 1)
    marks = world.place.directory / "marks"
    marks.write_text("")
    enough, extra = chance.randint(1, STEPS + 1), chance.uniform(0, 0.05)
    with world.living((), chance) as engine:
        until(
            lambda: len(marks.read_text()) >= enough or "wiring started" in engine.output or not engine.alive,
            f"mark {enough} of the migration",
            within=60,
        )
        end = time.monotonic() + extra
        until(lambda: time.monotonic() >= end, "a moment later")
        assert engine.alive, f"the engine ended by itself:\n{engine.output}"
        world.kill(engine)
    world.complaints += _broken(world.place.database, world.release + 1)
    if _revision(world.place.database) == REVISION + world.release + 1:
        world.release += 1
        world.upgrades += 1


def upgrade_at_last(world: World) -> None:
    """Let the next life be one of a newer release, which completes what was interrupted."""
    _install(world, world.release + 1)
    world.release += 1


def whole(world: World) -> list[str]:
    """What is wrong with the schema, once an engine of the newest release has stopped."""
    found = _revision(world.place.database)
    if found != REVISION + world.release:
        return [f"the store has revision {found} and not {REVISION + world.release}"]
    return _broken(world.place.database, world.release)


def _install(world: World, release: int) -> None:
    """Make the engine's next lives those of a release that is so many migrations ahead of today's."""
    folder = world.place.directory / f"release-{release}"
    if not folder.exists():
        package = folder / "messagefoundry_sql"
        source = Path(messagefoundry_sql.__file__).parent
        shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
        schema = package / "schema.py"
        text, replaced = re.subn(r"(?m)^REVISION = \d+$", f"REVISION = {REVISION + release}", schema.read_text())
        assert replaced == 1, "schema.py says its revision in one place"
        schema.write_text(text)
        for new in range(REVISION + 1, REVISION + release + 1):
            module = package / "migrations" / "versions" / f"v{new:04}_torture.py"
            module.write_text(MIGRATION.format(old=new - 1, new=new))
    world.environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        "TORTURE_MARKS": str(world.place.directory / "marks"),
    }


def _revision(database: Path) -> int | None:
    """The version that the store says it has; None when it has no schema yet."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as store:
        if not store.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return None
        ((version,),) = store.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
        return int(version.partition("_")[0])


def _broken(database: Path, release: int) -> list[str]:
    """What of the migration to a release is there and should not be, or is not and should; both as sentences."""
    new, old = REVISION + release, REVISION + release - 1
    revision = _revision(database)
    if revision not in (new, old):
        return [f"the store has revision {revision}, neither {old} nor {new}"]
    done = revision == new
    with closing(sqlite3.connect(database)) as store:
        names = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        columns = {row[1] for row in store.execute("PRAGMA table_info(message)")}
        damage = [row[0] for row in store.execute("PRAGMA integrity_check")]
        filled = not done or store.execute(f"SELECT count(*) FROM torture_{new}").fetchone()[0] == 1200
    expected = {
        f"table torture_{new}": (f"torture_{new}" in names) is done,
        f"index torture_{new}_index": (f"torture_{new}_index" in names) is done,
        f"column torture_{new}": (f"torture_{new}" in columns) is done,
        f"table torture_{old}": release == 1 or (f"torture_{old}" in names) is not done,
        f"the content of torture_{new}": filled,
        "the integrity check": damage == ["ok"],
    }
    return [f"at revision {revision}, {name} is not as it must be" for name, right in expected.items() if not right]
