"""Repeats are no longer counted.

Contracts: code that does not know revision 2 counts them.
"""

from __future__ import annotations

from alembic import op

revision = "0003_0002"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("message", "repeats")
