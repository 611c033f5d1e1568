"""Repeats, labels, transform state, reference sets, and hops between inbounds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Unicode(255)


def upgrade() -> None:
    """Add what Routers and Handlers look up and keep, and what tells repeats."""
    op.add_column("message", sa.Column("depth", sa.Integer, nullable=False, server_default=sa.text("0")))
    _parents()
    _arrivals()
    _meta()
    _state()
    _references()


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True, autoincrement=False)


def _parents() -> None:
    child = sa.text("parent_id IS NOT NULL")
    columns = ["parent_id", "id"]
    op.create_index("message_parent", "message", columns, sqlite_where=child, postgresql_where=child, mssql_where=child)


def _arrivals() -> None:
    op.create_table(
        "arrival",
        _id(),
        sa.Column("identity", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("arrival_identity", "arrival", ["identity"])


def _meta() -> None:
    op.create_table(
        "message_meta",
        sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("value", _NAME, nullable=False),
    )
    op.create_index("message_meta_value", "message_meta", ["name", "value", "message_id"])


def _state() -> None:
    op.create_table(
        "state",
        _id(),
        sa.Column("namespace", _NAME, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("state_digest", "state", ["digest"], unique=True)


def _references() -> None:
    op.create_table(
        "reference_set",
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("snapshot_id", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("synced_at", sa.BigInteger, nullable=False),
    )
