"""Every query of the reading side on a big store, as PostgreSQL runs it: by index, and lists read no body.

The look-ups are those of tests/stores/test_read_plans.py, where a new one has to be named.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import partial, wraps
from inspect import getmembers, isfunction
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry_postgres.connecting import READING, connect
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.place import place_of
from messagefoundry_sql import queries, tallying
from tests.postgres.big_store import fill
from tests.postgres.conftest import fresh_location
from tests.stores.test_read_plans import BY_ID, DEAD, QUICK, RESTRICTED, Read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.contracts.stores import StoreLocation
    from messagefoundry_sql import SqlReader
    from tests.postgres.target import Options

MESSAGES = 50_000
BIG = ("message", "body", "work", "event", "connection_event", "arrival", "message_meta")
WHOLE_TABLE = re.compile(rf"Seq Scan on ({'|'.join(BIG)})\b")
DEAD_OF_ONE = re.compile(r"on work dead_work .*\n\s+Index Cond: \(message_id = message\.id\)")
"""Whether a message has dead work is looked up for the messages of the page, not for all that have any."""
BLOCKS = re.compile(r"Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?")
PAGE_BLOCKS = 1000
"""8 kB each. A page of 50 messages takes a few blocks for each of them; the table of messages alone has more."""

COUNTED = {
    name: replace(query, before=0, after=0)
    for name, query in QUICK.items()
    if query.disposition or query.parent or query.meta == ("site", "A")
}
"""Of a label that nearly every message has, PostgreSQL is right to count in the table."""


class Looking:
    """A reader whose statements are kept, to be explained."""

    def __init__(self, location: StoreLocation) -> None:
        self.reader: SqlReader = POSTGRES.reader(location, Plaintext())
        self._asked: list[tuple[str, Any]] = []
        event.listen(self.reader._source.connection.engine, "before_cursor_execute", self._note)
        self._own = connect(place_of(location), READING)

    def _note(self, _connection: object, _cursor: object, text: str, parameters: Any, *_: object) -> None:
        self._asked.append((text, parameters))

    def explained(self, read: Read) -> str:
        """The plans of all that one look-up asks, and how many blocks were read."""
        self._asked.clear()
        read(self.reader)
        assert self._asked
        return "\n".join(self._explain(*asked) for asked in list(self._asked))

    def _explain(self, text: str, parameters: Any) -> str:
        plan = self._own.execute(f"EXPLAIN (ANALYZE, BUFFERS) {text}", parameters or None).fetchall()
        return "\n".join([text, *(str(row[0]) for row in plan)])

    def close(self) -> None:
        self.reader.close()
        self._own.close()


@pytest.fixture(scope="module")
def big(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreLocation]:
    with fresh_location(options, tmp_path_factory.mktemp("big")) as location:
        assert fill(location, MESSAGES) == MESSAGES
        yield location


@pytest.fixture
def looking(big: StoreLocation) -> Iterator[Looking]:
    looking = Looking(big)
    yield looking
    looking.close()


def blocks(plan: str) -> int:
    """How many blocks the first statement of a plan has read."""
    found = BLOCKS.search(plan)
    assert found is not None, plan
    return sum(int(count or 0) for count in found.groups())


def reads_bodies(plan: str) -> bool:
    return re.search(r"\bon body\b", plan) is not None


@pytest.mark.parametrize("name", BY_ID)
def test_what_is_looked_up_has_an_index(looking: Looking, name: str) -> None:
    plan = looking.explained(BY_ID[name])
    assert WHOLE_TABLE.findall(plan) == [], plan
    assert reads_bodies(plan) == (name == "body"), plan


@pytest.mark.parametrize("name", QUICK)
def test_a_page_of_messages_ends_when_it_is_full(looking: Looking, name: str) -> None:
    plan = looking.explained(lambda reader: reader.messages(QUICK[name]))
    assert WHOLE_TABLE.findall(plan) == [], plan
    assert not reads_bodies(plan)
    assert blocks(plan) < PAGE_BLOCKS, plan
    assert DEAD_OF_ONE.search(plan), plan


@pytest.mark.parametrize("name", COUNTED)
def test_what_has_an_index_is_counted_by_it(looking: Looking, name: str) -> None:
    plan = looking.explained(lambda reader: reader.count_messages(COUNTED[name]))
    assert WHOLE_TABLE.findall(plan) == [], plan
    assert re.search(r"(using|on) message_(ended|refused|parent|meta_value)\b", plan), plan


@pytest.mark.parametrize("name", RESTRICTED)
def test_what_has_no_index_reads_messages_alone(looking: Looking, name: str) -> None:
    plan = looking.explained(lambda reader: reader.messages(RESTRICTED[name]))
    assert set(WHOLE_TABLE.findall(plan)) <= {"message", *(["message_meta"] if RESTRICTED[name].meta[0] else [])}, plan
    assert not reads_bodies(plan)


@pytest.mark.parametrize("name", DEAD)
def test_dead_letters_are_found_by_index(looking: Looking, name: str) -> None:
    for read in (lambda reader: reader.dead_letters(DEAD[name]), lambda reader: reader.count_dead(DEAD[name])):
        plan = looking.explained(read)
        assert WHOLE_TABLE.findall(plan) == [], plan
        assert not reads_bodies(plan)


def test_dispositions_are_counted_in_the_index_of_ids(looking: Looking) -> None:
    plan = looking.explained(lambda reader: (reader.dispositions(), reader.dispositions()))
    assert "FROM event" in plan, "what has happened since the last look"
    assert not reads_bodies(plan)
    assert WHOLE_TABLE.findall(plan) == [], plan


def test_a_look_after_a_long_time_takes_little_into_memory(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    tally = looking.reader._tally
    before = tally.dispositions()
    tally._seen = 0
    ask, rows = tally._ask, []

    def counting(query: Any) -> Any:
        found = ask(query)
        rows.append(len(found))
        return found

    monkeypatch.setattr(tally, "_ask", counting)
    assert tally.dispositions() == before
    assert sum(rows) > MESSAGES
    assert max(rows) <= tallying.EVENTS_AT_ONCE


def test_no_query_is_left_out(big: StoreLocation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function of queries.py makes a statement that one of the tests above explains."""
    called: Counter[str] = Counter()

    def counting(function: Callable[..., object]) -> Callable[..., object]:
        @wraps(function)
        def counted(*arguments: object) -> object:
            called[function.__name__] += 1
            return function(*arguments)

        return counted

    own = {name for name, function in getmembers(queries, isfunction) if function.__module__ == queries.__name__}
    public = {name for name in own if not name.startswith("_")}
    for name in public:
        monkeypatch.setattr(queries, name, counting(getattr(queries, name)))
    looking = Looking(big)
    reads: list[Read] = [
        *BY_ID.values(),
        *(partial(_counted, query) for query in COUNTED.values()),
        *(partial(_messages, query) for query in QUICK.values()),
        *(partial(_dead, query) for query in DEAD.values()),
        lambda reader: (reader.dispositions(), reader.dispositions()),
    ]
    for read in reads:
        looking.explained(read)
    looking.close()
    assert public - called.keys() == set()


def _counted(query: Any, reader: Any) -> object:
    return reader.count_messages(query)


def _messages(query: Any, reader: Any) -> object:
    return reader.messages(query)


def _dead(query: Any, reader: Any) -> object:
    return reader.dead_letters(query), reader.count_dead(query)
