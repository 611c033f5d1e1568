"""No statement but a few that say so scans a table: speed does not depend on how much history there is."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from messagefoundry.contracts.stores import DeadQuery, MessageQuery
from messagefoundry.contracts.units import (
    DeadLetter,
    ForgetOnce,
    KeepReference,
    MarkAttempt,
    Replay,
    ReplayDead,
    Resend,
    StateWrite,
    SweepRemoved,
)
from messagefoundry.testing.stores.feed import receive_batch, receive_once
from tests.stores.feed import Feed, dead, delivered, hand_off, receive, refuse, retry

if TYPE_CHECKING:
    from collections.abc import Callable

_BIG = "message|work|body|event|connection_event|arrival|message_meta|state"
_SCAN = re.compile(rf"SCAN ({_BIG})\b(?! USING (COVERING )?INDEX)")
_SORT = "USE TEMP B-TREE FOR ORDER BY"


def _plans(feed: Feed, asked: list[tuple[str, Any]]) -> dict[str, list[str]]:
    connection = sqlite3.connect(feed.location.path)
    plans = {
        text: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()]
        for text, parameters in dict(asked).items()
        if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE")) or "EXISTS" in text
    }
    connection.close()
    return plans


def _slow(plans: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(step, text) for text, plan in plans.items() for step in plan if _SCAN.match(step) or _SORT in step]


def test_no_unit_scans_a_table(feed: Feed) -> None:
    texts: list[str] = []
    database = feed.store._database
    database.connection.set_trace_callback(texts.append)  # type: ignore[attr-defined]
    feed.commit(receive(), receive())
    feed.commit(refuse())
    message_id, first, second = feed.handed_off("OB", "OTHER")
    feed.commit(retry(first, message_id, 5))
    feed.commit(dead(first, message_id), delivered(second, message_id, "OTHER"))
    feed.lane()
    feed.lane(unordered=True, exclude=[first])
    feed.flow()
    feed.commit(ReplayDead([first], "alice", 1))
    dead_id, work_id = feed.failed("routed")
    again = feed.one(ReplayDead([work_id], "alice", 1)).ids[0]
    feed.commit(MarkAttempt(dead_id))
    feed.commit(hand_off(dead_id, "OB", routed_id=again))
    feed.commit(Resend([message_id], "alice", 1, "NEW"))
    feed.commit(DeadLetter(message_id, "alice", "why", 1))
    feed.commit(Replay([message_id], "alice", 1))
    feed.commit(receive_once(), receive_once(bookmark="1"))
    feed.commit(receive_once(), ForgetOnce(feed.last))
    feed.commit(receive_batch(receive(), receive_once(), refuse()))
    feed.commit(hand_off(feed.received(), "OB", states=[StateWrite("ns", "k", "1")], meta={"m": "1"}))
    feed.lane(depths=True)
    feed.commit(KeepReference("npi", b"", 1), KeepReference("npi", None, 2))
    feed.commit(SweepRemoved([], [], [], 1))
    database.connection.set_trace_callback(None)  # type: ignore[attr-defined]
    plans = _plans(feed, [(text, ()) for text in texts])
    assert len(plans) > 40
    assert _slow(plans) == []


def test_few_reads_scan_a_table(feed: Feed) -> None:
    message_id, item = feed.handed_off("OB")
    reader = feed.reader
    quick: list[Callable[[], object]] = [
        lambda: reader.message(message_id),
        lambda: reader.work(message_id),
        lambda: reader.trail(message_id),
        lambda: reader.body(item),
        lambda: reader.reply(message_id, 1),
        lambda: reader.head("OB"),
        lambda: reader.connection_events("OB", 5),
        lambda: reader.dead_letters(DeadQuery(connection="OB", after=5)),
        lambda: reader.count_dead(DeadQuery(connection="OB")),
        lambda: reader.messages(MessageQuery(disposition="ERROR")),
        lambda: reader.count_messages(MessageQuery(disposition="ERROR")),
        lambda: reader.backlogs(),
        lambda: reader.removed([], [], []),
        lambda: reader.held(),
        lambda: reader.last_reply(message_id, "OB", 99),
        lambda: reader.state("ns", "k"),
        lambda: reader.reference("npi"),
        lambda: reader.messages(MessageQuery(parent=message_id)),
        lambda: reader.count_messages(MessageQuery(parent=message_id)),
        lambda: reader.messages(MessageQuery(meta=("site", "A"))),
        lambda: reader.count_messages(MessageQuery(meta=("site", "A"))),
    ]
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, text: str, parameters: Any, *_: object) -> None:
        asked.append((text, parameters))

    event.listen(reader._source.connection.engine, "before_cursor_execute", note)
    for read in quick:
        read()
    # With parameters, not with their values in the text: a partial index is used only for what stands in the text.
    assert _slow(_plans(feed, asked)) == []
