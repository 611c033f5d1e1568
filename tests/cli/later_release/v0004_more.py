"""A table more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_0002"
down_revision = "0003_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))
