"""The tables. Declared once; `migrations/` brings older stores here.

Ids are minted by the committer and unique over all tables. Bodies are kept apart from the rows that lists and updates
touch, so that those stay narrow. There is no ingress table: a message whose `routing` is NULL waits to be routed.
Each index beyond a primary key costs on every message; what it is for stands beside it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Unicode,
    text,
)

REVISION = 2
"""The schema's version, as the newest migration numbers it."""

metadata = MetaData()

# SQLite aliases its row id only to a column spelled INTEGER.
_Id = BigInteger().with_variant(Integer(), "sqlite")
_Name = Unicode(255)


def _id(name: str = "id") -> Column[int]:
    return Column(name, _Id, primary_key=True, autoincrement=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _partial(name: str, *columns: Any, where: str) -> Index:
    condition = text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition, mssql_where=condition)


WITHOUT_SUCCESS = "disposition = 'ERROR' OR disposition = 'FILTERED' OR disposition = 'UNROUTED'"
UNROUTED_YET = "routing IS NULL AND refusal IS NULL"
OUTBOUND_WAITING = "state = 'waiting' AND stage = 'outbound'"
ROUTED_WAITING = "state = 'waiting' AND stage = 'routed'"
BACKING_OFF = "state = 'waiting' AND stage = 'outbound' AND attempts > 0"

message = Table(
    "message",
    metadata,
    _id(),
    Column("ingress_id", BigInteger, nullable=False),  # its place in the flow: the id, or a newer one after a replay
    Column("inbound", _Name, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("content_type", _Name, nullable=False),
    Column("encoding", _Name, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("routing", _Name),  # NULL until handed off, then UNROUTED, FILTERED or PROCESSED; SPLIT for a batch
    Column("disposition", _Name, nullable=False, server_default=text("'RECEIVED'")),  # written by the finalizer alone
    Column("parent_id", BigInteger),
    _count("attempts"),  # runs begun after an unclean stop
    Column("refusal", _Name),  # NULL when accepted, else MSA-1, which may be empty
    Column("refused_condition", _Name),  # ERR-3
    Column("refused_reason", LargeBinary),  # sealed
    Column("digest", LargeBinary(64)),  # of refused messages alone
    _count("repeats"),
    _count("depth"),  # hops through inbounds of this engine
    _partial("message_unrouted", "inbound", "ingress_id", where=UNROUTED_YET),  # refills of flows, backlogs
    _partial("message_ended", "disposition", "id", where=WITHOUT_SUCCESS),  # lists of one of these dispositions
    _partial("message_refused", "id", where="refusal IS NOT NULL"),  # lists of refused ones
    _partial("message_digest", "inbound", "digest", where="digest IS NOT NULL"),  # repeats of refused ones
    _partial("message_parent", "parent_id", "id", where="parent_id IS NOT NULL"),  # what came of one, of a batch
)

arrival = Table(
    "arrival",
    metadata,
    _id(),  # of a message whose repeats are told
    Column("identity", BigInteger, nullable=False),  # a hash
    Column("digest", LargeBinary(32), nullable=False),
    Index("arrival_identity", "identity"),  # whether a message came before
)

message_meta = Table(
    "message_meta",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", _Name, primary_key=True),
    Column("value", _Name, nullable=False),
    Index("message_meta_value", "name", "value", "message_id"),  # lists of one label
)

state = Table(
    "state",
    metadata,
    _id(),
    Column("namespace", _Name, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # of namespace and key: a key may be a patient's number
    Column("sealed", LargeBinary, nullable=False),  # key and value
    Column("changed_at", BigInteger, nullable=False),
    Index("state_digest", "digest", unique=True),  # look-ups
)

reference_set = Table(
    "reference_set",
    metadata,
    Column("name", _Name, primary_key=True),
    Column("snapshot_id", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("synced_at", BigInteger, nullable=False),
)

body = Table(
    "body",
    metadata,
    _id(),  # of a message: its raw bytes; of a piece of work: its payload
    Column("sealed", LargeBinary, nullable=False),
)

work = Table(
    "work",
    metadata,
    _id(),
    Column("message_id", BigInteger, nullable=False),
    Column("inbound", _Name, nullable=False),
    Column("stage", _Name, nullable=False),
    Column("lane", _Name, nullable=False),
    Column("handler", _Name, nullable=False),
    Column("state", _Name, nullable=False),  # waiting, delivered, done, dead, replayed
    Column("content_type", _Name, nullable=False),
    _count("attempts"),
    Column("due", BigInteger, nullable=False, server_default=text("0")),
    Column("error", LargeBinary),  # sealed
    Column("simulate", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("work_message", "message_id"),  # the finalizer, a message's page
    _partial("work_lane", "lane", "id", where=OUTBOUND_WAITING),  # refills of lanes, backlogs
    _partial("work_due", "lane", "due", where=BACKING_OFF),  # refills of unordered lanes
    _partial("work_flow", "inbound", "id", where=ROUTED_WAITING),  # refills of flows
    _partial("work_dead", "id", where="state = 'dead'"),  # lists of dead letters
)

event = Table(
    "event",
    metadata,
    _id(),
    Column("message_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("connection", _Name, nullable=False),
    Column("detail", Text, nullable=False),
    Column("reply", LargeBinary),  # sealed
    Index("event_message", "message_id"),  # a message's trail
)

connection_event = Table(
    "connection_event",
    metadata,
    _id(),
    Column("connection", _Name, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", _Name, nullable=False),
    Column("detail", Text, nullable=False),
    Index("connection_event_connection", "connection", "id"),  # a Connection's events
)

connection_hold = Table(
    "connection_hold",
    metadata,
    Column("connection", _Name, primary_key=True),
    Column("held", Boolean, nullable=False),
    Column("actor", _Name, nullable=False),
    Column("at", BigInteger, nullable=False),
)

bookmark = Table(
    "bookmark",
    metadata,
    Column("inbound", _Name, primary_key=True),
    Column("value", Text, nullable=False),  # of the inbound's last message that came with one
)

engine = Table(
    "engine",
    metadata,
    _id(),  # always 1
    Column("running", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),  # fences an engine that lost its lease, on a server database
)
