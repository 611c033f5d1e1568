"""Batches that are sent while others are on their way: durable in turn, and none behind one that failed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import Fenced, StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import AheadStore, MessageQuery, StoreLocation
from messagefoundry.contracts.units import ForgetOnce, ReadBookmark, Receive, StateWrite
from messagefoundry.testing.stores.feed import Feed, delivered, hand_off, receive, receive_batch, receive_once
from messagefoundry_postgres import writing
from messagefoundry_postgres.factory import POSTGRES
from tests.postgres.target import administrator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.contracts.units import Unit
    from tests.postgres.proxy import Proxy


class Ahead(Feed):
    """A feed whose batches can be sent ahead."""

    @property
    def wire(self) -> AheadStore:
        assert isinstance(self.store, AheadStore)
        return self.store

    def send(self, *units: Unit) -> None:
        """Mint and send a batch."""
        for unit in units:
            unit.mint(self.mint)
        assert self.wire.send(units)

    def collected(self) -> str:
        """What became of the oldest: "ok", or the name of the error."""
        try:
            assert self.wire.collect()
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return type(error).__name__
        return "ok"

    def stored(self) -> list[int]:
        """The ids of all messages, read on another way."""
        with closing(POSTGRES.reader(self.location, Plaintext())) as reader:
            return sorted(row.id for row in reader.messages(MessageQuery(limit=1000)))


@pytest.fixture
def feed(location: StoreLocation) -> Iterator[Ahead]:
    feed = Ahead(POSTGRES, location)
    yield feed
    feed.close()


@pytest.fixture
def far_feed(far: StoreLocation) -> Iterator[Ahead]:
    feed = Ahead(POSTGRES, far)
    yield feed
    feed.close()


def test_what_is_sent_is_durable_in_turn(feed: Ahead) -> None:
    units = [receive() for _ in range(4)]
    for unit in units:
        feed.send(unit)
    for number, _ in enumerate(units):
        assert feed.collected() == "ok"
        assert feed.stored()[: number + 1] == [unit.id for unit in units[: number + 1]]
    assert feed.received() > units[-1].id, "and then all is as ever"


def test_a_wait_can_end_before_the_answer(far_feed: Ahead, proxy: Proxy) -> None:
    proxy.delay = 0.2
    far_feed.send(receive())
    assert not far_feed.wire.collect(within=0.01)
    far_feed.send(receive())
    assert not far_feed.wire.collect(within=0)
    assert [far_feed.collected(), far_feed.collected()] == ["ok", "ok"]
    assert len(far_feed.stored()) == 2


def test_what_is_sent_behind_a_stale_batch_is_not_committed(feed: Ahead) -> None:
    behind = receive()
    feed.send(hand_off(12345))
    feed.send(behind)
    feed.send(receive())
    with pytest.raises(StaleUnit):
        feed.wire.collect()
    assert feed.stored() == []
    feed.send(behind)
    assert feed.collected() == "ok"
    assert feed.stored() == [behind.id]


def test_what_is_sent_behind_a_commit_that_fails_is_not_committed(feed: Ahead) -> None:
    """COMMIT itself ends the transaction, so that the next one could begin."""
    schema = feed.location.options["db_schema"]
    with administrator(dict(feed.location.options)) as other:
        other.execute(
            f"""CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF new.inbound = 'BAD' THEN RAISE disk_full; END IF; RETURN new; END $$"""
        )
        other.execute(
            f"""CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON {schema}.message DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION {schema}.refuse()"""
        )
    first, behind = receive(), receive()
    feed.send(first)
    feed.send(receive("BAD"))
    feed.send(behind)
    assert [feed.collected(), feed.collected()] == ["ok", "StoreFull"]
    assert feed.stored() == [first.id]
    feed.commit(behind)
    assert feed.stored() == [first.id, behind.id]


def test_what_cannot_be_sent_fails_in_its_turn(feed: Ahead) -> None:
    first, behind = receive(), receive()
    feed.send(first)
    feed.send(Receive("IB", b"MSH|", "hl7v2", "utf-8", "C\0", "ADT^A01", "", 1))
    feed.send(behind)
    assert feed.collected() == "ok"
    with pytest.raises(UnstorableUnit):
        feed.wire.collect()
    assert feed.stored() == [first.id]


def test_what_asks_for_an_answer_is_not_sent_ahead(feed: Ahead) -> None:
    feed.send(receive())
    assert not feed.wire.send([ReadBookmark("IB")])
    assert not feed.wire.send([Receive("IB", b"MSH|", "hl7v2", "utf-8", "C", "ADT", "", 1, bookmark="x")])
    assert not feed.wire.send([receive_once()])
    assert not feed.wire.send([receive_batch(receive())])
    assert not feed.wire.send([ForgetOnce(1)])
    assert feed.collected() == "ok"
    assert feed.bookmark() == ""


def test_what_handlers_keep_and_pass_on_is_sent_ahead(feed: Ahead) -> None:
    first, second = feed.received(), feed.received()
    states = [StateWrite("ns", "k", "1")]
    handed = hand_off(first, "OB", states=states, meta={"m": "1"}, passed=[receive("IB2", parent=first)])
    feed.send(handed)
    feed.send(hand_off(second, states=[StateWrite("ns", "k", "2")], meta={"m": "2"}))
    feed.send(delivered(handed.outgoing[0].id, first, reingressed=receive("LOOP", parent=first, depth=1)))
    assert [feed.collected() for _ in range(3)] == ["ok"] * 3
    assert (feed.reader.state("ns", "k"), feed.message(first).meta, feed.message(second).meta) == (
        "2",
        {"m": "1"},
        {"m": "2"},
    )
    assert [len(feed.waiting(inbound)) for inbound in ("IB", "IB2", "LOOP")] == [0, 1, 1]


def test_answers_that_are_lost_are_found_out_for_each(far_feed: Ahead, proxy: Proxy) -> None:
    units = [receive() for _ in range(3)]
    far_feed.received()
    proxy.delay = 0.05  # all are on their way before the first is answered
    proxy.lose_answers()
    for unit in units:
        far_feed.send(unit)
    fates = list[str]()
    while len(fates) < 3 and "StoreUnavailable" not in fates:
        fates.append(far_feed.collected())
    durable = far_feed.stored()[1:]
    assert durable == [unit.id for unit in units][: fates.count("ok")]
    proxy.delay = 0
    assert far_feed.received() in far_feed.stored()


def test_what_never_arrived_has_failed(far_feed: Ahead, proxy: Proxy) -> None:
    first = far_feed.received()
    proxy.lose_requests()
    far_feed.send(receive())
    far_feed.send(receive())
    with pytest.raises(StoreUnavailable, match="nothing of the batch was committed"):
        far_feed.wire.collect()
    assert far_feed.stored() == [first]
    again = far_feed.received()
    assert far_feed.stored() == [first, again]


def test_a_server_that_cannot_be_reached_fails_each_in_its_turn(far_feed: Ahead, proxy: Proxy) -> None:
    proxy.cut()
    far_feed.send(receive())
    far_feed.send(receive())
    assert far_feed.collected() == "StoreUnavailable"
    proxy.heal()
    far_feed.send(receive())
    assert far_feed.collected() == "ok"
    assert len(far_feed.stored()) == 1


def test_what_is_sent_behind_one_that_could_not_be_is_not_committed(far_feed: Ahead, proxy: Proxy) -> None:
    first, unsent, behind = far_feed.received(), receive(), receive()
    proxy.cut()
    far_feed.send(unsent)
    proxy.heal()
    far_feed.send(behind)
    assert far_feed.collected() == "StoreUnavailable"
    assert far_feed.stored() == [first]
    far_feed.commit(unsent)
    far_feed.commit(behind)
    assert far_feed.stored() == [first, unsent.id, behind.id]


def test_an_engine_that_was_taken_over_commits_none_of_them(feed: Ahead) -> None:
    second = Feed(POSTGRES, feed.location)
    feed.send(receive())
    feed.send(receive())
    with pytest.raises(Fenced):
        feed.wire.collect()
    assert feed.stored() == []
    second.close()


def test_a_killed_session_between_two_batches_is_found_out(feed: Ahead) -> None:
    first, behind = receive(), receive()
    feed.send(first)
    with administrator(dict(feed.location.options)) as other:
        database = feed.store._database  # type: ignore[attr-defined]
        ended = other.execute("SELECT pg_terminate_backend(%s, 5000)", (database._session.pid,)).fetchone()
        assert ended == (True,)
    feed.send(behind)
    fates = [feed.collected()]
    if fates == ["ok"]:
        fates.append(feed.collected())
    assert fates[-1] == "StoreUnavailable"
    assert feed.stored() == [first.id][: fates.count("ok")]


def test_marks_of_what_is_on_its_way_are_kept(feed: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that forgets old marks does not forget those of its neighbours, by which they would be looked for."""
    monkeypatch.setattr(writing, "FORGET_EVERY", 2)
    for _ in range(3):
        feed.send(receive())
    assert [feed.collected() for _ in range(3)] == ["ok"] * 3
    with administrator(dict(feed.location.options)) as other:
        row = other.execute(f"SELECT count(*) FROM {feed.location.options['db_schema']}.engine_commit").fetchone()
    assert row == (3,)
