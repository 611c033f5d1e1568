"""The queries that look things up, in SQLAlchemy Core: what they select depends on what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)

from messagefoundry_sql.schema import connection_event, event, message, message_meta, reference_set, state, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import DeadQuery, MessageQuery

# Written into the text, not bound: only then does a planner see that a partial index applies.
_WAITING: ColumnElement[str] = literal_column("'waiting'")
_DEAD: ColumnElement[str] = literal_column("'dead'")
_OUTBOUND: ColumnElement[str] = literal_column("'outbound'")
_ROUTED: ColumnElement[str] = literal_column("'routed'")
_PROCESSED: ColumnElement[str] = literal_column("'PROCESSED'")
_WITHOUT_SUCCESS: dict[str, ColumnElement[str]] = {
    name: literal_column(f"'{name}'") for name in ("ERROR", "FILTERED", "UNROUTED")
}
_UNROUTED = and_(message.c.routing.is_(None), message.c.refusal.is_(None))

_work = work.alias("dead_work")
# Not EXISTS: for that, PostgreSQL would rather gather the messages of all dead work there is, for one page of a list.
_DEAD_WORK = select(func.count()).where(_work.c.message_id == message.c.id, _work.c.state == _DEAD).scalar_subquery()
_HAS_DEAD = _DEAD_WORK > 0

MESSAGES = select(
    message.c.id,
    message.c.inbound,
    message.c.received_at,
    message.c.content_type,
    message.c.encoding,
    message.c.control_id,
    message.c.message_type,
    message.c.peer,
    message.c.disposition,
    _HAS_DEAD.label("has_dead"),
    message.c.size,
    message.c.parent_id,
    message.c.refusal,
    message.c.refused_condition,
    message.c.repeats,
    message.c.depth,
)

WORK = select(
    work.c.id,
    work.c.message_id,
    work.c.inbound,
    work.c.stage,
    work.c.lane,
    work.c.handler,
    work.c.state,
    work.c.attempts,
    work.c.due,
    work.c.error,
    work.c.simulate,
    work.c.changed_at,
    work.c.size,
    message.c.control_id,
    message.c.message_type,
).join_from(work, message, message.c.id == work.c.message_id)

ARRIVAL = select(
    message.c.id,
    message.c.received_at,
    message.c.inbound,
    message.c.peer,
    message.c.refusal,
    message.c.refused_condition,
    message.c.refused_reason,
)

EVENTS = select(
    event.c.id,
    event.c.message_id,
    event.c.at,
    event.c.kind,
    event.c.connection,
    event.c.detail,
    event.c.reply.is_not(None).label("has_reply"),
)


def messages(query: MessageQuery) -> Select[Any]:
    """A page of messages, newest first; oldest first beyond `after`."""
    key = _key(query)
    order = key.asc() if query.after else key.desc()
    return MESSAGES.select_from(_source(query)).where(*_of_messages(query)).order_by(order).limit(query.limit)


def meta(message_ids: Sequence[int]) -> Select[Any]:
    """The labels of messages."""
    columns = message_meta.c
    rows = select(columns.message_id, columns.name, columns.value).where(columns.message_id.in_(message_ids))
    return rows.order_by(columns.message_id, columns.name)


def state_value(digest: bytes) -> Select[Any]:
    """The row of a value of transform state, sealed."""
    return select(state.c.id, state.c.sealed).where(state.c.digest == digest)


def snapshot(name: str) -> Select[Any]:
    """The snapshot of a reference set, sealed."""
    columns = reference_set.c
    return select(columns.snapshot_id, columns.sealed, columns.synced_at).where(columns.name == name)


def last_reply(message_id: int, lane: str, before: int) -> Select[Any]:
    """The deliveries of a message through a lane that brought a reply, with ids below `before`, newest first, sealed.

    There are few. With LIMIT, PostgreSQL might look for one among the newest events of all messages.
    """
    columns = event.c
    rows = select(columns.id, columns.reply).where(columns.message_id == message_id, columns.connection == lane)
    rows = rows.where(columns.id < before, columns.kind == literal_column("'delivered'"), columns.reply.is_not(None))
    return rows.order_by(columns.id.desc())


def count_messages(query: MessageQuery) -> Select[Any]:
    """How many messages there are on all pages."""
    return select(func.count()).select_from(_source(query)).where(*_of_messages(query))


def dead_letters(query: DeadQuery) -> Select[Any]:
    """A page of dead rows, oldest first."""
    return WORK.where(*_of_dead(query)).order_by(work.c.id).limit(query.limit)


def count_dead(query: DeadQuery) -> Select[Any]:
    """How many dead rows there are on all pages."""
    typed = work.join(message, message.c.id == work.c.message_id)
    return select(func.count()).select_from(typed if query.message_type else work).where(*_of_dead(query))


def backlogs() -> CompoundSelect[Any]:
    """Depth and lowest id of what waits: outbound per lane, routed and ingress per inbound."""
    waiting = work.c.state == _WAITING
    return union_all(
        _backlog("outbound", work.c.lane, work.c.id).where(waiting, work.c.stage == _OUTBOUND),
        _backlog("routed", work.c.inbound, work.c.id).where(waiting, work.c.stage == _ROUTED),
        _backlog("ingress", message.c.inbound, message.c.ingress_id).where(_UNROUTED),
    )


def head(lane: str) -> Select[Any]:
    """The first waiting item of a lane."""
    waiting = (work.c.state == _WAITING, work.c.stage == _OUTBOUND, work.c.lane == lane)
    return WORK.where(*waiting).order_by(work.c.id).limit(1)


def dispositions(after: int | None, until: int | None) -> CompoundSelect[Any]:
    """How many messages in a range of ids have each disposition but PROCESSED, refused ones apart; as NULL, all.

    Grouping only the few that are not PROCESSED takes a third of the time of grouping all.
    """
    refused = message.c.refusal.is_not(None)
    within = [true()] if after is None else [message.c.id > after]
    within += [] if until is None else [message.c.id <= until]
    unusual = select(message.c.disposition, refused, func.count()).where(*within, message.c.disposition != _PROCESSED)
    every = select(null(), false(), func.count()).select_from(message).where(*within)
    return union_all(unusual.group_by(message.c.disposition, refused), every)


def nth_message(after: int | None, number: int) -> Select[Any]:
    """The id of a message so many places behind another, or from the beginning; no row when there are fewer."""
    row = select(message.c.id).order_by(message.c.id).limit(1).offset(number - 1)
    return row if after is None else row.where(message.c.id > after)


def newest_event() -> Select[Any]:
    """The highest id of an event."""
    return select(func.max(event.c.id))


def touched_since(event_id: int, limit: int) -> Select[Any]:
    """The next events beyond one: id and message. With DISTINCT, a planner may read the whole index of messages."""
    return select(event.c.id, event.c.message_id).where(event.c.id > event_id).order_by(event.c.id).limit(limit)


def connection_events(connection: str, limit: int) -> Select[Any]:
    """The newest events of a Connection, newest first."""
    columns = connection_event.c
    rows = select(columns.id, columns.connection, columns.at, columns.kind, columns.detail)
    return rows.where(columns.connection == connection).order_by(columns.id.desc()).limit(limit)


def _backlog(stage: str, connection: ColumnElement[str], order: ColumnElement[int]) -> Select[str, str, int, int]:
    return select(literal(stage), connection, func.count(), func.min(order)).group_by(connection)


def _of_messages(query: MessageQuery) -> list[ColumnElement[bool]]:
    columns = message.c
    wanted = {
        columns.inbound == query.inbound: query.inbound,
        _of_type(query.message_type): query.message_type,
        columns.control_id == query.control_id: query.control_id,
        columns.received_at >= query.since: query.since,
        columns.received_at < query.until: query.until,
        _key(query) < query.before: query.before,
        _key(query) > query.after: query.after,
        columns.parent_id == query.parent: query.parent,
        _labelled(*query.meta): query.meta[0],
        _disposition(query.disposition): query.disposition,
    }
    return [condition for condition, value in wanted.items() if value]


def _source(query: MessageQuery) -> FromClause:
    """Where messages are listed from: the index of labels has those with one value by ascending id."""
    labelled = message_meta.join(message, message.c.id == message_meta.c.message_id)
    return labelled if all(query.meta) else message


def _key(query: MessageQuery) -> ColumnElement[int]:
    """The id of a message, from where it is listed from."""
    return message_meta.c.message_id if all(query.meta) else message.c.id


def _labelled(name: str, value: str) -> ColumnElement[bool]:
    """A message has a label that says this; with an empty value, whatever it says."""
    columns = message_meta.c
    if value:
        return and_(columns.name == name, columns.value == value)
    return exists().where(columns.message_id == message.c.id, columns.name == name)


def _of_type(wanted: str) -> ColumnElement[bool]:
    """MSH-9 is this, or begins with these components. Not LIKE: whether that minds case depends on the database."""
    column, beginning = message.c.message_type, f"{wanted}^"
    return or_(column == wanted, func.substring(column, 1, len(beginning)) == beginning)


def _disposition(disposition: str) -> ColumnElement[bool]:
    if disposition == "REFUSED":
        return message.c.refusal.is_not(None)
    return message.c.disposition == _WITHOUT_SUCCESS.get(disposition, disposition)


def _of_dead(query: DeadQuery) -> list[ColumnElement[bool]]:
    columns = work.c
    at_flow = and_(columns.stage != _OUTBOUND, columns.inbound == query.connection)
    wanted = {
        or_(columns.lane == query.connection, at_flow): query.connection,
        columns.stage == query.stage: query.stage,
        _of_type(query.message_type): query.message_type,
        columns.message_id == query.message_id: query.message_id,
        columns.changed_at >= query.since: query.since,
        columns.changed_at < query.until: query.until,
        columns.id > query.after: query.after,
    }
    return [columns.state == _DEAD, *(condition for condition, value in wanted.items() if value)]
