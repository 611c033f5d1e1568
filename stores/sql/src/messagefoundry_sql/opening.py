"""The schema is brought to what this release needs before anything else touches the database.

Opening runs the expanding migrations, which are safe while older code works on the store. A contracting one waits for
`messagefoundry store migrate`: until then the release before can be put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table, inspect, select

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql.revisions import (
    THIS,
    UNFINISHED,
    VERSION_TABLE,
    Release,
    Version,
    parse,
    pending,
    script_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

__all__ = ["VERSION_TABLE", "check", "create", "prepare", "upgrade", "version_in"]

# As Alembic makes it.
_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


def prepare(
    name: str,
    version: Version | None,
    begin: Callable[[], AbstractContextManager[Connection]],
    *,
    release: Release = THIS,
    alone: bool = False,
) -> None:
    """Create the schema of the store called `name`, or expand it to what this release needs, in one transaction.

    `version` is what the store says it is, None when it is empty. `begin` gives a SQLAlchemy connection in a
    transaction that shuts other schema changes out and commits when it is left; it is not called when there is nothing
    to do. `alone` tells that no other engine can work on the store, whatever its release: then a contraction that this
    release's own expansion comes after is run too. Raises ConfigurationError for a schema that this release cannot use.
    """
    if version is not None:
        check(name, version, release)
        if version.number >= release.needed:
            return
    with begin() as connection:
        version = version_in(connection, name)  # another engine may have been quicker
        if version is None:
            create(connection, release)
            return
        check(name, version, release)
        if version.number < release.needed:
            _expand(connection, name, version, release, alone=alone)


def check(name: str, version: Version, release: Release = THIS) -> None:
    """Raise ConfigurationError for a schema that this release's code cannot work on, because it is too new."""
    known = release.version.number
    if version.since > known:
        problem = Problem(
            f"the store {name} has schema version {version.number}, and this release knows versions up to {known}",
            "use the release that wrote it, or a newer one",
        )
        raise ConfigurationError([problem])


def check_readable(name: str, version: Version, release: Release = THIS) -> None:
    """The same; also for a schema that this release has not expanded yet."""
    check(name, version, release)
    if version.number < release.needed:
        problem = Problem(
            f"the store {name} has schema version {version.number}, and this release reads version {release.needed}",
            "start the engine once: it upgrades the store",
        )
        raise ConfigurationError([problem])


def version_in(connection: Connection, name: str) -> Version | None:
    """The version of the store called `name`, None in an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return parse(connection.execute(select(_version.c.version_num)).scalar_one(), name)


def create(connection: Connection, release: Release = THIS, *, unfinished: bool = False) -> None:
    """Make all tables of a release's schema, and say which version that is, or that it is an unfinished copy."""
    release.metadata.create_all(connection, checkfirst=False)
    _version.create(connection)
    stands = UNFINISHED if unfinished else str(release.version)
    connection.execute(_version.insert().values(version_num=stands))


def is_unfinished(connection: Connection) -> bool:
    """Whether the store is an unfinished copy."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    return bool(connection.execute(select(_version.c.version_num)).scalar_one() == UNFINISHED)


def finish(connection: Connection, release: Release = THIS) -> None:
    """Say which version an unfinished copy has, now that it is complete."""
    connection.execute(_version.update().values(version_num=str(release.version)))


def upgrade(connection: Connection, release: Release = THIS, *, until: str = "head") -> None:
    """Run the migrations that the store has not had yet, or all of them in an empty one, up to one that is named."""
    from alembic import command

    config = script_config(release)
    config.attributes["connection"] = connection
    command.upgrade(config, until)


def migrate(connection: Connection, name: str, *, contract: bool, release: Release = THIS) -> None:
    """Run what is pending: all of it, or without `contract` what comes before the first contraction."""
    version = version_in(connection, name)
    assert version is not None
    check(name, version, release)
    last = version.number
    for step in pending(release, version):
        if step.half == "contract" and not contract:
            break
        last = step.revision
    if last > version.number:
        upgrade(connection, release, until=f"{last:04}")


def _expand(connection: Connection, name: str, version: Version, release: Release, *, alone: bool) -> None:
    steps = [step for step in pending(release, version) if step.revision <= release.needed]
    contracting = [step for step in steps if step.half == "contract"]
    if contracting and not alone:
        problem = Problem(
            f"the store {name} has schema version {version.number}, and this release needs version {release.needed}, "
            f"which comes after version {contracting[0].revision} has removed what older releases use",
            "when no engine of an older release runs, call messagefoundry store migrate",
        )
        raise ConfigurationError([problem])
    upgrade(connection, release, until=f"{release.needed:04}")
