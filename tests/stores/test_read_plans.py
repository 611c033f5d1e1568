"""Every query of the reading side, as the planner runs it: lists read no body, and what may read history is named."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from inspect import getmembers, isfunction
from typing import Any

import pytest
from sqlalchemy import event

from messagefoundry.contracts.stores import DeadQuery, MessageQuery, StoreReader
from messagefoundry.contracts.units import KeepReference
from messagefoundry_sql.reads import MOST_IDS
from tests.stores.feed import Feed, dead, delivered, hand_off, receive, refuse

Read = Callable[[Any], object]

RESTRICTED = {
    "inbound": MessageQuery(inbound="IB"),
    "RECEIVED": MessageQuery(disposition="RECEIVED"),
    "ROUTED": MessageQuery(disposition="ROUTED"),
    "PROCESSED": MessageQuery(disposition="PROCESSED"),
    "type": MessageQuery(message_type="ADT"),
    "control id": MessageQuery(control_id="C1"),
    "since": MessageQuery(since=1),
    "until": MessageQuery(until=1),
    "any label": MessageQuery(meta=("site", "")),
}
"""What has no index: each would cost every message about a tenth of its commits. The newest messages are looked through
until a page is full; measured with SQLite, 0.2 to 0.3 s for each million of messages that do not match."""

QUICK = {
    "newest": MessageQuery(),
    "next page": MessageQuery(before=1000),
    "following": MessageQuery(after=1),
    "ERROR": MessageQuery(disposition="ERROR"),
    "FILTERED": MessageQuery(disposition="FILTERED", before=1000),
    "UNROUTED": MessageQuery(disposition="UNROUTED", after=1),
    "REFUSED": MessageQuery(disposition="REFUSED"),
    "children": MessageQuery(parent=1),
    "next children": MessageQuery(parent=1, before=1000),
    "label": MessageQuery(meta=("site", "A")),
    "common label": MessageQuery(meta=("site", "B")),
    "next of a label": MessageQuery(meta=("site", "A"), before=1000),
    "following of a label": MessageQuery(meta=("site", "A"), after=1),
}

DEAD = {
    "oldest": DeadQuery(),
    "next page": DeadQuery(after=1),
    "connection": DeadQuery(connection="OB"),
    "stage": DeadQuery(stage="routed"),
    "type": DeadQuery(message_type="ADT"),
    "message": DeadQuery(message_id=1),
    "time": DeadQuery(since=1, until=5),
}
"""At most as slow as there are dead letters."""

BY_ID: dict[str, Read] = {
    "message": lambda reader: reader.message(1),
    "work": lambda reader: reader.work(1),
    "trail": lambda reader: reader.trail(1),
    "body": lambda reader: reader.body(1),
    "reply": lambda reader: reader.reply(1, 1),
    "head": lambda reader: reader.head("OB"),
    "backlogs": lambda reader: reader.backlogs(),
    "held": lambda reader: reader.held(),
    "connection_events": lambda reader: reader.connection_events("OB", 5),
    "removed": lambda reader: reader.removed([], [], []),
    "last_reply": lambda reader: reader.last_reply(1, "OB", 1000),
    "state": lambda reader: reader.state("ns", "k"),
    "reference": lambda reader: reader.reference("npi"),
}

MEASURED_ELSEWHERE = {"dispositions", "integrity", "close"}

BIG = "message|work|body|event|connection_event|arrival|message_meta|state|reference_set|dead_work"
WHOLE_TABLE = re.compile(rf"SCAN ({BIG})\b(?! USING (COVERING )?INDEX)")
IN_ORDER_OF_KEY = "ORDER BY message.id"
SORTED = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture
def filled(feed: Feed) -> Feed:
    """Enough that a planner has something to choose from."""
    for _ in range(60):
        message_id, first, second = feed.handed_off("OB", "OTHER")
        feed.commit(dead(first, message_id), delivered(second, message_id, "OTHER"))
        feed.labelled(site="A")
        feed.commit(receive(parent=message_id))
    feed.handed_off("OB")
    feed.written({"k": "1"})
    feed.commit(refuse(), KeepReference("npi", b"", 1))
    return feed


@pytest.fixture
def plans(filled: Feed) -> Callable[[Read], list[tuple[str, list[str]]]]:
    """The statements of a look-up, and the steps of each."""

    def explained(read: Read) -> list[tuple[str, list[str]]]:
        asked: list[tuple[str, Any]] = []

        def note(_connection: object, _cursor: object, text: str, parameters: Any, *_: object) -> None:
            asked.append((text, parameters))

        engine = filled.reader._source.connection.engine
        event.listen(engine, "before_cursor_execute", note)
        read(filled.reader)
        event.remove(engine, "before_cursor_execute", note)
        assert asked
        with closing(sqlite3.connect(filled.location.path)) as connection:
            # With parameters, not their values in the text: a partial index is used only for what stands in the text.
            return [
                (text, [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters)])
                for text, parameters in asked
            ]

    return explained


def whole_tables(explained: list[tuple[str, list[str]]]) -> list[str]:
    """Steps that read a table from end to end, or sort."""
    return [step for _, steps in explained for step in steps if WHOLE_TABLE.match(step) or SORTED in step]


def reads_bodies(explained: list[tuple[str, list[str]]]) -> bool:
    return any(" body" in step for _, steps in explained for step in steps)


@pytest.mark.parametrize("name", BY_ID)
def test_what_is_looked_up_has_an_index(plans: Callable[[Read], Any], name: str) -> None:
    explained = plans(BY_ID[name])
    assert whole_tables(explained) == []
    assert reads_bodies(explained) == (name == "body")


@pytest.mark.parametrize("name", QUICK)
def test_a_page_of_messages_ends_when_it_is_full(plans: Callable[[Read], Any], name: str) -> None:
    """By an index, or by the table's own order, which the first rows already satisfy."""
    explained = plans(lambda reader: reader.messages(QUICK[name]))
    (text, _), *_ = explained
    assert not reads_bodies(explained)
    if name in ("newest", "following"):
        assert [step for step in whole_tables(explained) if SORTED in step] == []
        assert IN_ORDER_OF_KEY in text
        assert "LIMIT" in text
    else:
        assert whole_tables(explained) == []


@pytest.mark.parametrize("name", ["ERROR", "FILTERED", "UNROUTED", "REFUSED", "children", "label"])
def test_what_has_an_index_is_counted_by_it(plans: Callable[[Read], Any], name: str) -> None:
    explained = plans(lambda reader: reader.count_messages(replace(QUICK[name], before=0, after=0)))
    assert whole_tables(explained) == []
    assert any("INDEX message_" in step for _, steps in explained for step in steps)


def test_labels_of_a_page_are_looked_up_by_message(plans: Callable[[Read], Any]) -> None:
    _, (text, steps) = plans(lambda reader: reader.messages(MessageQuery()))
    assert "FROM message_meta" in text
    assert [step for step in steps if "SEARCH message_meta" not in step] == []


def test_lists_of_any_length_have_their_labels(feed: Feed) -> None:
    received = [receive() for _ in range(2 * MOST_IDS + 1)]
    feed.commit(*received)
    feed.commit(*(hand_off(unit.id, meta={"number": str(unit.id)}) for unit in received))
    rows = feed.reader.messages(MessageQuery(limit=5000))
    assert [row.meta for row in rows] == [{"number": str(unit.id)} for unit in reversed(received)]


@pytest.mark.parametrize("name", RESTRICTED)
def test_what_has_no_index_reads_messages_alone_in_the_order_of_the_page(
    plans: Callable[[Read], Any], name: str
) -> None:
    explained = plans(lambda reader: reader.messages(RESTRICTED[name]))
    assert {step for _, steps in explained for step in steps if SORTED in step} == set()
    assert set(whole_tables(explained)) == {"SCAN message"}
    assert not reads_bodies(explained)
    beyond = plans(lambda reader: reader.messages(replace(RESTRICTED[name], before=1000)))
    assert whole_tables(beyond) == []


@pytest.mark.parametrize("name", DEAD)
def test_dead_letters_are_found_by_index(plans: Callable[[Read], Any], name: str) -> None:
    for read in (lambda reader: reader.dead_letters(DEAD[name]), lambda reader: reader.count_dead(DEAD[name])):
        explained = plans(read)
        assert whole_tables(explained) == []
        assert not reads_bodies(explained)


def test_no_look_up_is_left_out() -> None:
    looked_at = {"messages", "count_messages", "dead_letters", "count_dead"} | BY_ID.keys() | MEASURED_ELSEWHERE
    assert {name for name, _ in getmembers(StoreReader, isfunction) if not name.startswith("_")} == looked_at
