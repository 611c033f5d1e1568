"""Room for remarks.

Expands: older code neither sees nor misses what is added.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from messagefoundry_sql.revisions import THIS

revision = f"{THIS.version.number + 1:04}"
down_revision = str(THIS.version)
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("remark", sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_table("remark", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
    op.create_index("message_peer", "message", ["peer"])
