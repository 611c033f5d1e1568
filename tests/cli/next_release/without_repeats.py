"""Repeats are no longer counted.

Contracts: code that does not know the migration before this one counts them.
"""

from __future__ import annotations

from alembic import op

from messagefoundry_sql.revisions import THIS

revision = f"{THIS.version.number + 2:04}_{THIS.version.number + 1:04}"
down_revision = f"{THIS.version.number + 1:04}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("message", "repeats")
