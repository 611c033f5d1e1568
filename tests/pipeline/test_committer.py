"""Group commit: order, continuations, units that fail for themselves, and a store that is away."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.contracts.errors import MessageFoundryError, StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import MessageQuery, Store, StoreReader
from messagefoundry.contracts.units import HandOff, NoteConnection, Receive, Unit
from messagefoundry.pipeline.batches import Batches
from messagefoundry.pipeline.committer import Committer, now
from tests.pipeline.conftest import Failing


def received(number: int = 0) -> Receive:
    """A message to commit."""
    return Receive("IB", b"MSH|%d" % number, "hl7v2", "utf-8", f"C{number}", "ADT^A01", "", now())


def handed_off(message_id: int) -> HandOff:
    """The hand-off of a message that goes nowhere."""
    return HandOff(message_id, "IB", "FILTERED", [], [], "", now())


async def test_continuations_run_in_commit_order_before_the_caller_wakes(store: Store) -> None:
    committer, seen = Committer(store), list[int]()
    units = [received(number) for number in range(50)]
    async with trio.open_nursery() as nursery:
        for unit in units:
            committer.submit(unit, lambda unit=unit: seen.append(unit.id))  # type: ignore[misc]
        await nursery.start(committer.run)
        last = received(99)
        await committer.commit(last, lambda: seen.append(last.id))
        assert seen[-1] == last.id
        nursery.cancel_scope.cancel()
    assert seen == [unit.id for unit in units] + [last.id]
    assert seen == sorted(set(seen))
    assert committer.commits < len(units)


async def test_drained_means_that_everything_was_handed_on(store: Store) -> None:
    committer, seen = Committer(store), list[int]()
    async with trio.open_nursery() as nursery:
        await nursery.start(committer.run)
        for number in range(300):
            committer.submit(received(number), lambda number=number: seen.append(number))  # type: ignore[misc]
            if number % 3 == 0:
                await trio.lowlevel.checkpoint()
            if number % 2 == 0:
                await committer.drained()
                assert seen[-1] == number
                assert committer.waiting == 0
        nursery.cancel_scope.cancel()
    assert seen[:299] == list(range(299))


async def test_units_that_come_without_end_do_not_keep_it_from_being_cancelled(store: Store) -> None:
    committer = Committer(store)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(committer.run)

            def again() -> None:
                if committer.commits >= 50:
                    nursery.cancel_scope.cancel()
                if committer.commits < 1000:
                    committer.submit(received(), again)

            again()
    assert committer.commits < 1000


async def test_a_cancelled_caller_loses_nothing(store: Store, reader: StoreReader) -> None:
    committer, seen = Committer(store), list[int]()
    with trio.CancelScope() as scope:
        scope.cancel()
        await committer.commit(received(), lambda: seen.append(1))
    assert seen == []
    async with trio.open_nursery() as nursery:
        await nursery.start(committer.run)
        await committer.drained()
        nursery.cancel_scope.cancel()
    assert seen == [1]
    assert len(reader.messages(MessageQuery())) == 1


async def test_one_stale_unit_fails_alone(store: Store, reader: StoreReader) -> None:
    committer, failures = Committer(store), list[MessageFoundryError]()
    units: list[Unit] = [received(1), handed_off(12345), received(2)]
    async with trio.open_nursery() as nursery:
        for unit in units:
            committer.submit(unit, lambda: None, failures.append)
        await nursery.start(committer.run)
        await committer.drained()
        nursery.cancel_scope.cancel()
    assert [type(error) for error in failures] == [StaleUnit]
    assert len(reader.messages(MessageQuery())) == 2


async def test_a_unit_that_the_store_cannot_hold_fails_alone(store: Store) -> None:
    committer = Committer(store)
    bad = received(1)
    bad.received_at = 2**70
    async with trio.open_nursery() as nursery:
        await nursery.start(committer.run)
        good = received(2)
        async with trio.open_nursery() as both:
            both.start_soon(committer.commit, good)
            with pytest.raises(UnstorableUnit):
                await committer.commit(bad)
        assert good.id
        nursery.cancel_scope.cancel()


async def test_work_stays_at_the_head_in_order_until_the_store_is_back(store: Store) -> None:
    away = StoreUnavailable("away")
    failing = Failing(store, [away, away, away])
    told: list[bool] = []
    committer, seen = Committer(failing, on_outage=lambda error: told.append(error is not None)), list[int]()
    units = [received(number) for number in range(5)]
    async with trio.open_nursery() as nursery:
        for unit in units[:3]:
            committer.submit(unit, lambda unit=unit: seen.append(unit.id))  # type: ignore[misc]
        await nursery.start(committer.run)
        for unit in units[3:]:
            committer.submit(unit, lambda unit=unit: seen.append(unit.id))  # type: ignore[misc]
        await committer.drained()
        nursery.cancel_scope.cancel()
    assert seen == [unit.id for unit in units]
    assert seen == sorted(seen)
    assert told == [True, False]


async def test_a_caller_with_a_deadline_is_told_and_its_unit_is_not_committed(
    store: Store, reader: StoreReader
) -> None:
    failing = Failing(store, [StoreUnavailable("away")] * 4)
    committer, kept = Committer(failing), list[str]()
    async with trio.open_nursery() as nursery:
        await nursery.start(committer.run)
        committer.submit(NoteConnection("OB", "kept", "", now()), lambda: kept.append("kept"))
        with pytest.raises(StoreUnavailable):
            await committer.commit(received(), patience=0.1)
        await committer.drained()
        nursery.cancel_scope.cancel()
    assert kept == ["kept"]
    assert reader.messages(MessageQuery()) == []


async def test_units_of_one_row_never_share_a_batch(store: Store) -> None:
    failing = Failing(store, [])
    committer = Committer(failing)
    async with trio.open_nursery() as nursery:
        await nursery.start(committer.run)
        message = received()
        await committer.commit(message)
        failures: list[MessageFoundryError] = []
        for _ in range(2):
            committer.submit(handed_off(message.id), lambda: None, failures.append)
        await committer.drained()
        nursery.cancel_scope.cancel()
    assert [len(batch) for batch in failing.batches] == [1, 1]
    assert len(failures) == 1


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=40))
def test_ids_ascend_whatever_the_clock_says(steps: list[int]) -> None:
    batches = Batches(Numbered(last=10**18), lambda: None)
    minted = [mint() for number in steps for mint in [batches._mint()] for _ in range(number)]
    assert minted == sorted(set(minted))
    assert min(minted, default=10**18 + 1) > 10**18


class Numbered:
    """A store that has ids from the future, as after a clock that was set back."""

    def __init__(self, last: int) -> None:
        self._last = last

    def commit(self, units: object) -> None:
        """Nothing is committed."""

    def last_id(self) -> int:
        """The highest id."""
        return self._last

    def bytes_free(self) -> int | None:
        """Unknown."""
        return None

    def close(self) -> None:
        """Nothing to close."""


async def test_a_continuation_that_fails_ends_the_committer(store: Store) -> None:
    """Its unit is committed, so nobody may be told otherwise, and what follows it may not be handed on without it."""
    committer, seen = Committer(store), list[str]()

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            committer.submit(received(1), fail, lambda error: seen.append("failed"))
            committer.submit(received(2), lambda: seen.append("handed on"))
            await nursery.start(committer.run)
    assert seen == []
