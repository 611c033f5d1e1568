"""The schema is brought to this release's version before anything else touches the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_sql.schema import REVISION, metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

VERSION_TABLE = "messagefoundry_version"

# As Alembic makes it.
_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


def prepare(name: str, revision: int | None, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Create or upgrade the schema of the store called `name`, in one transaction.

    `revision` is what the store says it is, None when it is empty. `begin` gives a SQLAlchemy connection in a
    transaction that commits when it is left; it is not called when there is nothing to do. Raises ConfigurationError
    for a schema newer than this release.
    """
    if revision == REVISION:
        return
    if revision is not None and revision > REVISION:
        raise too_new(name, revision)
    with begin() as connection:
        if revision is None:
            create(connection)
        else:
            upgrade(connection)


def create(connection: Connection) -> None:
    """Make all tables of today's schema, and say which version that is."""
    metadata.create_all(connection, checkfirst=False)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=f"{REVISION:04}"))


def upgrade(connection: Connection) -> None:
    """Run the migrations that the store has not had yet, or all of them in an empty one."""
    # Imported here: an engine whose store is up to date starts without Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "messagefoundry_sql:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def too_new(name: str, revision: int) -> ConfigurationError:
    """The refusal of a store that a newer release has written."""
    problem = Problem(
        f"the store {name} has schema version {revision}, and this release knows versions up to {REVISION}",
        "use the release that wrote it, or a newer one",
    )
    return ConfigurationError([problem])


def too_old(name: str, revision: int) -> ConfigurationError:
    """The refusal to read a store that this release has not upgraded yet."""
    problem = Problem(
        f"the store {name} has schema version {revision}, and this release reads version {REVISION}",
        "start the engine once: it upgrades the store",
    )
    return ConfigurationError([problem])
