"""Connections, messages and dead letters, to look at: no bodies, no replies, no field values beyond the header's."""

from __future__ import annotations

from typing import Any

from quart import Blueprint

from messagefoundry.api import rows
from messagefoundry.api.app import connection_named, serving
from messagefoundry.api.asked import DeadLettersQuery, Declined, EventsQuery, MessagesQuery, Query, query
from messagefoundry.contracts.stores import DeadQuery, MessageQuery
from messagefoundry.engine import status

blueprint = Blueprint("views", __name__)

MOST_CHILDREN = 100
"""So many are shown with a message; `/messages?parent=` has all of them."""

MESSAGE_ID = f"<int(max={2**63 - 1}):message_id>"


@blueprint.get("/connections")
async def connections() -> dict[str, Any]:
    """Every Connection of the graph and its state."""
    query(Query)
    found = await status.connections(serving().engine)
    return {"connections": [rows.connection(each) for each in found]}


@blueprint.get("/connections/<name>/metadata")
async def metadata(name: str) -> dict[str, Any]:
    """The labels that a Connection was declared with."""
    query(Query)
    return {"metadata": dict(connection_named(name).metadata)}


@blueprint.get("/connections/<name>/events")
async def events(name: str) -> dict[str, Any]:
    """A Connection's newest events, oldest of them first."""
    limit = query(EventsQuery).limit
    connection_named(name)
    found = await serving().engine.read(lambda reader: reader.connection_events(name, limit))
    return {"events": [rows.connection_event(each) for each in found]}


@blueprint.get("/references")
async def references() -> dict[str, Any]:
    """Every reference set: its source, how many rows it has, when it was read last, and why it could not be."""
    query(Query)
    return {"references": [rows.reference(each) for each in status.references(serving().engine)]}


@blueprint.get("/messages")
async def messages() -> dict[str, Any]:
    """Messages, newest first; `before` is what to ask for next, null on the last page."""
    asked = query(MessagesQuery)
    wanted = MessageQuery(
        inbound=asked.inbound,
        disposition=asked.disposition or "",
        message_type=asked.type,
        control_id=asked.control_id,
        since=asked.since,
        until=asked.until,
        before=asked.before,
        meta=asked.label,
        parent=asked.parent,
        limit=asked.limit,
    )
    found = await serving().engine.read(lambda reader: reader.messages(wanted))
    more = found[-1].id if len(found) == asked.limit else None
    return {"messages": [rows.message(each) for each in found], "before": more}


@blueprint.get(f"/messages/{MESSAGE_ID}")
async def message(message_id: int) -> dict[str, Any]:
    """One message with its work, its trail, and the first messages that came from it, such as those of a batch."""
    query(Query)
    of_this = MessageQuery(parent=message_id, after=message_id, limit=MOST_CHILDREN)
    row, work, trail, children = await serving().engine.read(
        lambda reader: (
            reader.message(message_id),
            reader.work(message_id),
            reader.trail(message_id),
            reader.messages(of_this),
        )
    )
    if row is None:
        raise Declined(404, f"there is no message {message_id}")
    return {
        "message": rows.message(row),
        "work": [rows.work(each) for each in work],
        "trail": [rows.trail_event(each) for each in trail],
        "children": [rows.message(each) for each in children],
    }


@blueprint.get("/dead-letters")
async def dead_letters() -> dict[str, Any]:
    """Dead letters, oldest first, and how many there are in all; `after` is what to ask for next, else null."""
    asked = query(DeadLettersQuery)
    wanted = DeadQuery(
        connection=asked.connection,
        stage=asked.stage or "",
        message_type=asked.type,
        message_id=asked.message,
        since=asked.since,
        until=asked.until,
        after=asked.after,
        limit=asked.limit,
    )
    found, count = await serving().engine.read(lambda reader: (reader.dead_letters(wanted), reader.count_dead(wanted)))
    more = found[-1].id if len(found) == asked.limit else None
    return {"dead_letters": [rows.work(each) for each in found], "count": count, "after": more}
