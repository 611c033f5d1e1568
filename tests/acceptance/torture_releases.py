"""Synthetic newer releases of the store's schema, and lives that end in the middle of the upgrade to one."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect

import messagefoundry_sql
from messagefoundry_sql.schema import REVISION
from tests.acceptance.torture_stores import revision_of, rows_of
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.acceptance.torture_stores import TortureStore
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
    INSERT INTO torture_{new} SELECT i, :ballast FROM n"""


def mark():
    with open(os.environ["TORTURE_MARKS"], "a") as marks:
        marks.write("x")
    op.get_bind().execute(sa.text(PAUSE)).fetchall()


def upgrade():
    mark()
    op.add_column("message", sa.Column("torture_{new}", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    mark()
    ballast = sa.Column("ballast", sa.LargeBinary)
    op.create_table("torture_{new}", sa.Column("id", sa.Integer, primary_key=True), ballast)
    mark()
    op.get_bind().execute(sa.text(FILL), {{"ballast": os.urandom(16000)}})
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
    if not revision_of(world.store):
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
    world.store.await_rest()
    world.complaints += _broken(world.store, world.release + 1)
    if revision_of(world.store) == REVISION + world.release + 1:
        world.release += 1
        world.upgrades += 1


def upgrade_at_last(world: World) -> None:
    """Let the next life be one of a newer release, which completes what was interrupted."""
    _install(world, world.release + 1)
    world.release += 1


def whole(world: World) -> list[str]:
    """What is wrong with the schema, once an engine of the newest release has stopped."""
    found = revision_of(world.store)
    if found != REVISION + world.release:
        return [f"the store has revision {found} and not {REVISION + world.release}"]
    return _broken(world.store, world.release)


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
    world.release_variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        "TORTURE_MARKS": str(world.place.directory / "marks"),
    }


def _broken(store: TortureStore, release: int) -> list[str]:
    """What of the migration to a release is there and should not be, or is not and should; both as sentences."""
    new, old = REVISION + release, REVISION + release - 1
    revision = revision_of(store)
    if revision not in (new, old):
        return [f"the store has revision {revision}, neither {old} nor {new}"]
    done = revision == new
    with store.connected() as connection:
        looked = inspect(connection)
        tables = set(looked.get_table_names())
        indexes = {index["name"] for index in looked.get_indexes("message")}
        columns = {column["name"] for column in looked.get_columns("message")}
        filled = not done or rows_of(connection, f"SELECT count(*) FROM torture_{new}") == [(1200,)]
    expected = {
        f"table torture_{new}": (f"torture_{new}" in tables) is done,
        f"index torture_{new}_index": (f"torture_{new}_index" in indexes) is done,
        f"column torture_{new}": (f"torture_{new}" in columns) is done,
        f"table torture_{old}": release == 1 or (f"torture_{old}" in tables) is not done,
        f"the content of torture_{new}": filled,
        "the integrity check": not store.damage(),
    }
    return [f"at revision {revision}, {name} is not as it must be" for name, right in expected.items() if not right]
