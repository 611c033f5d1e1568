"""What the pages show of stored rows, member by member: a column that is added later is not shown by itself.

Never a body, a payload or a reply. Of an error the first line alone, which is made to be seen; the rest is an author's
own text and may quote a message.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import ConnectionEvent, MessageRow, TrailEvent, WorkRow
    from messagefoundry.engine.status import ConnectionStatus, ReferenceStatus

Row = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: int) -> str | None:
    """Microseconds since the epoch as ISO 8601 in the engine's zone, with the offset; None for 0."""
    return (EPOCH + timedelta(microseconds=moment)).astimezone().isoformat(timespec="microseconds") if moment else None


def first_line(text: str) -> str:
    """The part of an error that is safe to show anywhere."""
    return text.partition("\n")[0]


def message(row: MessageRow) -> Row:
    """A message."""
    return {
        "id": row.id,
        "inbound": row.inbound,
        "received_at": iso(row.received_at),
        "disposition": row.disposition,
        "has_dead": row.has_dead,
        "type": row.message_type,
        "control_id": row.control_id,
        "content_type": row.content_type,
        "encoding": row.encoding,
        "size": row.size,
        "peer": row.peer,
        "parent_id": row.parent_id,
        "meta": dict(row.meta),
        "refusal": row.refusal,
        "refused_condition": row.refused_condition,
        "repeats": row.repeats,
    }


def work(row: WorkRow) -> Row:
    """A piece of work of a message."""
    return {
        "id": row.id,
        "message_id": row.message_id,
        "inbound": row.inbound,
        "stage": row.stage,
        "lane": row.lane,
        "handler": row.handler,
        "state": row.state,
        "attempts": row.attempts,
        "due": iso(row.due),
        "error": first_line(row.error),
        "simulated": row.simulate,
        "changed_at": iso(row.changed_at),
        "size": row.size,
        "control_id": row.control_id,
        "type": row.message_type,
    }


def trail_event(row: TrailEvent) -> Row:
    """An event of a message's trail."""
    return {
        "id": row.id,
        "at": iso(row.at),
        "kind": row.kind,
        "connection": row.connection,
        "detail": detail(row.detail),
        "has_reply": row.has_reply,
    }


def detail(text: str) -> str | Row:
    """A trail's detail: text, or the members of its compact JSON with times as people write them."""
    try:
        members = json.loads(text) if text.startswith("{") else None
    except ValueError:
        members = None
    if not isinstance(members, dict):
        return first_line(text)
    return {name: iso(value) if name.endswith("_at") else value for name, value in members.items()}


def connection(status: ConnectionStatus) -> Row:
    """A Connection now."""
    return {
        "name": status.name,
        "direction": status.direction,
        "connector": status.connector,
        "endpoint": status.endpoint,
        "state": status.state,
        "since": iso(status.since),
        "reason": first_line(status.reason),
        "doing": status.doing,
        "next_try": iso(status.next_try),
        "waiting": status.waiting,
        "oldest_id": status.oldest_id or None,
        "oldest_at": iso(status.oldest_id),
        "simulated": status.simulated,
        "flagged": status.flagged,
        "metadata": dict(status.metadata),
        "schedule": schedule(status),
        "repeats": status.repeats,
    }


def reference(status: ReferenceStatus) -> Row:
    """A reference set now."""
    return {
        "name": status.name,
        "source": status.source,
        "rows": status.rows,
        "synced_at": iso(status.synced_at),
        "age_seconds": None if status.age_seconds is None else round(status.age_seconds, 3),
        "stale": status.stale,
        "problem": first_line(status.problem),
        "refresh_seconds": status.refresh_seconds,
        "waiting": list(status.waiting),
    }


def schedule(status: ConnectionStatus) -> Row | None:
    """What a Connection's schedule says, and until when, null for always; None without a schedule."""
    return {"open": status.scheduled == "open", "until": iso(status.until)} if status.scheduled else None


def connection_event(row: ConnectionEvent) -> Row:
    """An event of a Connection."""
    return {"id": row.id, "at": iso(row.at), "kind": row.kind, "detail": first_line(row.detail)}
