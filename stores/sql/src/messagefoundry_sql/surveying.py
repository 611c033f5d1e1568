"""What a store holds, for `messagefoundry store status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, inspect, select

from messagefoundry.contracts.stores import StoreState
from messagefoundry_sql import opening
from messagefoundry_sql.revisions import THIS, Release, Version, pending
from messagefoundry_sql.schema import message

if TYPE_CHECKING:
    from sqlalchemy import Connection


def survey(
    connection: Connection, name: str, version: Version, *, size: int = 0, release: Release = THIS
) -> StoreState:
    """The state of a store of any version that this release can read or expand; `size` is the database's to know."""
    opening.check(name, version, release)
    there = set(inspect(connection).get_table_names())
    tables = [table for table in release.metadata.sorted_tables if table.name in there]
    return StoreState(
        revision=version.number,
        known=release.version.number,
        pending=pending(release, version),
        tables={table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables},
        size=size,
        oldest_at=connection.scalar(select(message.c.received_at).order_by(message.c.id).limit(1)) or 0,
    )
