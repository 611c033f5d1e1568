"""A table more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from messagefoundry_sql.revisions import THIS

revision = f"{THIS.version.number + 3:04}_{THIS.version.number + 1:04}"
down_revision = f"{THIS.version.number + 2:04}_{THIS.version.number + 1:04}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))
