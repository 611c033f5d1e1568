"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Unicode(255)


def upgrade() -> None:
    """Make the tables of messages, bodies, work, events and connection state."""
    _messages()
    _work()
    _events()
    _connections()


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True, autoincrement=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def _index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition, mssql_where=condition)


def _messages() -> None:
    op.create_table(
        "message",
        _id(),
        sa.Column("ingress_id", sa.BigInteger, nullable=False),
        sa.Column("inbound", _NAME, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("content_type", _NAME, nullable=False),
        sa.Column("encoding", _NAME, nullable=False),
        sa.Column("control_id", sa.Text, nullable=False),
        sa.Column("message_type", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("routing", _NAME),
        sa.Column("disposition", _NAME, nullable=False, server_default=sa.text("'RECEIVED'")),
        sa.Column("parent_id", sa.BigInteger),
        _count("attempts"),
        sa.Column("refusal", _NAME),
        sa.Column("refused_condition", _NAME),
        sa.Column("refused_reason", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary(64)),
        _count("repeats"),
    )
    _index("message_unrouted", "message", ["inbound", "ingress_id"], "routing IS NULL AND refusal IS NULL")
    ended = "disposition = 'ERROR' OR disposition = 'FILTERED' OR disposition = 'UNROUTED'"
    _index("message_ended", "message", ["disposition", "id"], ended)
    _index("message_refused", "message", ["id"], "refusal IS NOT NULL")
    _index("message_digest", "message", ["inbound", "digest"], "digest IS NOT NULL")
    op.create_table("body", _id(), sa.Column("sealed", sa.LargeBinary, nullable=False))


def _work() -> None:
    op.create_table(
        "work",
        _id(),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("inbound", _NAME, nullable=False),
        sa.Column("stage", _NAME, nullable=False),
        sa.Column("lane", _NAME, nullable=False),
        sa.Column("handler", _NAME, nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("content_type", _NAME, nullable=False),
        _count("attempts"),
        sa.Column("due", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("error", sa.LargeBinary),
        sa.Column("simulate", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    waiting = "state = 'waiting' AND stage = 'outbound'"
    _index("work_message", "work", ["message_id"])
    _index("work_lane", "work", ["lane", "id"], waiting)
    _index("work_due", "work", ["lane", "due"], f"{waiting} AND attempts > 0")
    _index("work_flow", "work", ["inbound", "id"], "state = 'waiting' AND stage = 'routed'")
    _index("work_dead", "work", ["id"], "state = 'dead'")


def _events() -> None:
    op.create_table(
        "event",
        _id(),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", _NAME, nullable=False),
        sa.Column("connection", _NAME, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("reply", sa.LargeBinary),
    )
    _index("event_message", "event", ["message_id"])


def _connections() -> None:
    op.create_table(
        "connection_event",
        _id(),
        sa.Column("connection", _NAME, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", _NAME, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    _index("connection_event_connection", "connection_event", ["connection", "id"])
    op.create_table(
        "connection_hold",
        sa.Column("connection", _NAME, primary_key=True),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "bookmark",
        sa.Column("inbound", _NAME, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "engine",
        _id(),
        sa.Column("running", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
