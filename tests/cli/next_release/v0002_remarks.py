"""Room for remarks.

Expands: older code neither sees nor misses what is added.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("remark", sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_table("remark", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
    op.create_index("message_peer", "message", ["peer"])
