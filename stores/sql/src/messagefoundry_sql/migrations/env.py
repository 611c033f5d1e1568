"""Runs migrations on the connection that `opening.upgrade` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from messagefoundry_sql.opening import VERSION_TABLE
from messagefoundry_sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
