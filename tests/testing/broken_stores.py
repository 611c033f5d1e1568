"""Stores that break the contract, each in one way. `caught_by` names every clause that has to notice.

Run by test_kit.py in a process of its own; the classes fail, which is what they are for.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.units import (
    HandOff,
    Receive,
    RefillFlow,
    RefillLane,
    Refuse,
    Replay,
    ReplayDead,
    Resend,
    SettleDead,
    SettleDelivered,
    SettleRetry,
    SweepRemoved,
    Unit,
)
from messagefoundry.testing import MemoryStore, MemoryStores, StoreConformance
from messagefoundry.testing.memory.store import Disk, MemoryHold
from messagefoundry.testing.memory.tables import Tables
from tests.testing.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import StoreLocation


class Stores(MemoryStores):
    """A factory of a broken store."""

    def __init__(self, make: Callable[[Disk, Cipher], MemoryStore] = MemoryStore) -> None:
        super().__init__()
        self.make = make

    def open(self, location: StoreLocation, cipher: Cipher) -> MemoryStore:
        return self.make(self.disk(location), cipher)


class Variant(StoreConformance):
    """A kit on a variant of the store in memory; `store` or `stores` is what is broken."""

    not_applicable: ClassVar = {
        "test_a_commit_survives_a_killed_process": "a store in memory ends with its process",
        "test_a_hold_ends_with_its_process": "a store in memory is in one process alone",
    }
    store: ClassVar[type[MemoryStore]] = MemoryStore
    stores: ClassVar[type[MemoryStores] | None] = None
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> InMemory:
        return InMemory(self.stores() if self.stores else Stores(self.store))


class UnitByUnit(MemoryStore):
    def commit(self, units: Sequence[Unit]) -> None:
        for unit in units:
            super().commit([unit])


class TestAppliesPartOfABatch(Variant):
    store = UnitByUnit
    caught_by: ClassVar = {
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_store_goes_on_after_a_stale_unit",
    }


class Unguarded(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        try:
            super().apply(tables, unit)
        except StaleUnit:
            return


class TestIgnoresGuards(Variant):
    store = Unguarded
    caught_by: ClassVar = {
        "test_a_refused_message_is_an_error_that_is_never_routed",
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_store_goes_on_after_a_stale_unit",
        "test_a_unit_of_another_state_is_stale",
        "test_attempts_are_counted_until_the_hand_off",
        "test_dead_at_routed_replays_its_handler",
        "test_dead_letter_frees_every_lane",
        "test_dead_letter_of_a_received_message",
        "test_errors_say_nothing_of_the_content",
    }


class DeliversTwice(MemoryStore):
    """Settles a row whatever its state is."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, SettleDelivered) and unit.work_id in tables.work:
            tables.work[unit.work_id] = replace(tables.work[unit.work_id], state="waiting")
        super().apply(tables, unit)


class TestDeliversWhatIsSettled(Variant):
    store = DeliversTwice
    caught_by: ClassVar = {
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_unit_of_another_state_is_stale",
        "test_dead_letter_frees_every_lane",
    }


class NewestFirst(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, RefillLane):
            unit.items = unit.items[::-1]


class TestReadsALaneBackwards(Variant):
    store = NewestFirst
    caught_by: ClassVar = {
        "test_a_fifo_lane_reads_items_that_back_off_too",
        "test_a_hand_off_fills_lanes_in_the_order_returned",
        "test_an_unordered_lane_never_reads_what_it_has",
        "test_an_unordered_lane_reads_what_is_due",
        "test_an_unordered_lane_takes_turns_by_when_items_became_due",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_batches_of_any_size",
        "test_dead_at_outbound_replays_its_payload",
        "test_refills_page_through_a_lane_in_order",
        "test_the_window_of_a_lane",
        "test_the_window_of_an_unordered_lane",
        "test_units_see_those_before_them_and_none_after",
    }


class Renumbered(MemoryStore):
    """Takes ids of its own for the items of a hand-off: the last one first."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff):
            ids = [out.id for out in unit.outgoing]
            unit.outgoing = [replace(out, id=key) for out, key in zip(unit.outgoing, reversed(ids), strict=True)]
        super().apply(tables, unit)


class TestReordersIds(Variant):
    store = Renumbered
    caught_by: ClassVar = {
        "test_a_hand_off_fills_lanes_in_the_order_returned",
        "test_dead_letter_frees_every_lane",
        "test_dead_letters_page",
    }


class OneMore(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, RefillLane | RefillFlow):
            unit.limit += 1
        super().apply(tables, unit)


class TestRefillsBeyondTheLimit(Variant):
    store = OneMore
    caught_by: ClassVar = {
        "test_a_flow_merges_messages_and_handlers_to_be_run_again",
        "test_the_window_of_a_flow",
        "test_the_window_of_a_lane",
        "test_the_window_of_an_unordered_lane",
    }


class AnySize(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, RefillLane | RefillFlow):
            unit.max_bytes = 10**9
        super().apply(tables, unit)


class TestRefillsBeyondTheBytes(Variant):
    store = AnySize
    caught_by: ClassVar = {
        "test_the_window_of_a_flow",
        "test_the_window_of_a_lane",
        "test_the_window_of_an_unordered_lane",
    }


class AlwaysComplete(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, RefillLane | RefillFlow):
            unit.complete = True


class TestSaysComplete(Variant):
    store = AlwaysComplete
    caught_by: ClassVar = {
        "test_a_flow_merges_messages_and_handlers_to_be_run_again",
        "test_refills_page_through_a_lane_in_order",
        "test_the_window_of_a_flow",
        "test_the_window_of_a_lane",
        "test_the_window_of_an_unordered_lane",
    }


class Taking(MemoryStore):
    """Reads again what the lane has in memory."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, RefillLane):
            unit.exclude = ()
        super().apply(tables, unit)


class TestReadsWhatTheLaneHas(Variant):
    store = Taking
    caught_by: ClassVar = {
        "test_an_unordered_lane_never_reads_what_it_has",
    }


class Hasty(Tables):
    """A finalizer that does not wait for work to end."""

    def disposition(self, message: Any) -> str:
        found = super().disposition(message)
        return "ERROR" if found == "ROUTED" and self.work_of(message.id, "dead") else found


class Lenient(Tables):
    """A finalizer that forgets dead work when something was delivered."""

    def disposition(self, message: Any) -> str:
        found = super().disposition(message)
        return str(message.routing) if found == "ERROR" and self.work_of(message.id, "delivered") else found


class Finalizing(Stores):
    tables: type[Tables]

    def disk(self, location: StoreLocation) -> Disk:
        disk = super().disk(location)
        if type(disk.tables) is Tables:
            disk.tables = self.tables()
        return disk


class FinalizingHasty(Finalizing):
    tables = Hasty


class FinalizingLenient(Finalizing):
    tables = Lenient


class TestFinalizesTooEarly(Variant):
    stores = FinalizingHasty
    caught_by: ClassVar = {
        "test_a_sweep_takes_what_has_no_place",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_the_disposition_follows_the_work",
    }


class TestForgetsDeadSiblings(Variant):
    stores = FinalizingLenient
    caught_by: ClassVar = {
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_the_disposition_follows_the_work",
    }


class Forgetful(MemoryStore):
    """Keeps nothing over a close."""

    def close(self) -> None:
        self.disk.tables = Tables()


class TestIsNotDurable(Variant):
    store = Forgetful
    caught_by: ClassVar = {
        "test_everything_is_there_after_reopening",
        "test_ids_go_on_after_reopening",
        "test_nothing_of_the_content_lies_open",
    }


class Lax(MemoryStore):
    """Keeps the count of attempts in memory."""

    def close(self) -> None:
        tables = self.disk.tables
        for key, row in tables.messages.items():
            tables.messages[key] = replace(row, attempts=0)


class TestForgetsAttempts(Variant):
    store = Lax
    caught_by: ClassVar = {
        "test_everything_is_there_after_reopening",
    }


class OfMessages(MemoryStore):
    def last_id(self) -> int:
        return max(self.disk.tables.messages, default=0)


class TestLastIdOfOneTable(Variant):
    store = OfMessages
    caught_by: ClassVar = {
        "test_batches_of_any_size",
        "test_events_of_a_connection_are_kept",
        "test_ids_ascend_over_all_tables",
        "test_ids_go_on_after_reopening",
    }


class OpenReplies(MemoryStore):
    """Writes replies past the cipher, and remembers them for readers."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, SettleDelivered | SettleRetry | SettleDead) and unit.reply is not None:
            event = tables.events[unit.id]
            tables.events[unit.id] = replace(event, detail=f"{event.detail} {unit.reply!r}")


class TestWritesRepliesOpenly(Variant):
    store = OpenReplies
    caught_by: ClassVar = {
        "test_a_delivered_item_leaves_its_lane",
        "test_nothing_of_the_content_lies_open",
    }


class Copying(MemoryStore):
    """Copies the envelope of a payload to the new row, instead of sealing it again."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        before = dict(tables.bodies)
        super().apply(tables, unit)
        if isinstance(unit, ReplayDead):
            for old, new in zip(unit.work_ids, unit.ids, strict=True):
                if new in tables.bodies and old in before:
                    tables.bodies[new] = before[old]


class TestCopiesEnvelopes(Variant):
    store = Copying
    caught_by: ClassVar = {
        "test_content_is_sealed",
        "test_nothing_of_the_content_lies_open",
        "test_what_was_sealed_is_opened_for_its_own_row",
    }


class Shared(Stores):
    def hold(self, location: StoreLocation) -> MemoryHold:
        return MemoryHold(Disk(), location.path)


class TestHoldsNobodyOff(Variant):
    stores = Shared
    caught_by: ClassVar = {
        "test_one_engine_holds_a_store",
    }


class Blaming(MemoryStore):
    """Takes an outage for the unit's own fault."""

    def commit(self, units: Sequence[Unit]) -> None:
        try:
            super().commit(units)
        except StoreUnavailable:
            raise UnstorableUnit from None


class TestBlamesTheUnitForAnOutage(Variant):
    store = Blaming
    caught_by: ClassVar = {
        "test_an_outage_is_not_the_units_fault",
        "test_the_same_batch_commits_after_an_outage",
    }


class Late(MemoryStore):
    """Says that it cannot commit after it has."""

    def commit(self, units: Sequence[Unit]) -> None:
        outage, self.disk.outage = self.disk.outage, None
        super().commit(units)
        if outage is not None:
            self.disk.outage = outage
            raise outage


class TestCommitsDuringAnOutage(Variant):
    store = Late
    caught_by: ClassVar = {
        "test_an_outage_is_not_the_units_fault",
        "test_the_same_batch_commits_after_an_outage",
    }


class Quoting(MemoryStore):
    def commit(self, units: Sequence[Unit]) -> None:
        try:
            super().commit(units)
        except UnstorableUnit:
            raise UnstorableUnit(f"cannot insert {units[0]!r}") from None


class TestQuotesContent(Variant):
    store = Quoting
    caught_by: ClassVar = {
        "test_errors_say_nothing_of_the_content",
    }


class InPlace(MemoryStore):
    """A replayed message keeps its old place in the flow."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        orders = {key: row.order for key, row in tables.messages.items()}
        super().apply(tables, unit)
        if isinstance(unit, Replay):
            for key, order in orders.items():
                tables.messages[key] = replace(tables.messages[key], order=order)


class TestReplaysInTheOldPlace(Variant):
    store = InPlace
    caught_by: ClassVar = {
        "test_a_replayed_message_joins_its_flows_tail",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_replays_keep_the_order_given",
    }


class Doubling(MemoryStore):
    """Sends again what waits already."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        hidden = dict(tables.work) if isinstance(unit, Resend) else {}
        for key, row in hidden.items():
            if row.state == "waiting":
                tables.work[key] = replace(row, state="delivered")
        super().apply(tables, unit)
        for key, row in hidden.items():
            if row.state == "waiting":
                tables.work[key] = row


class TestResendsWhatWaits(Variant):
    store = Doubling
    caught_by: ClassVar = {
        "test_a_resend_leaves_what_waits",
        "test_any_sequence_of_units_does_what_the_model_does",
    }


class Real(MemoryStore):
    """Forgets that what is replayed was only simulated."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, ReplayDead):
            for key in unit.ids:
                if key in tables.work:
                    tables.work[key] = replace(tables.work[key], simulate=False)


class TestSendsWhatWasSimulated(Variant):
    store = Real
    caught_by: ClassVar = {
        "test_a_replayed_row_keeps_its_simulate",
    }


class Unlimited(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, SweepRemoved):
            unit.limit = 10**6
        super().apply(tables, unit)


class TestSweepsWithoutLimit(Variant):
    store = Unlimited
    caught_by: ClassVar = {
        "test_a_sweep_stops_at_its_limit",
    }


class Uncounted(MemoryStore):
    """Adds a row for every repeat of a refused message."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, Refuse):
            unit.digest = b"%d" % unit.id
        super().apply(tables, unit)


class TestAddsARowForEachRepeat(Variant):
    store = Uncounted
    caught_by: ClassVar = {
        "test_a_repeat_of_a_refused_message_is_counted",
        "test_any_sequence_of_units_does_what_the_model_does",
    }


class OfOneThread(MemoryStore):
    def __init__(self, disk: Disk, cipher: Cipher) -> None:
        super().__init__(disk, cipher)
        self._thread = threading.get_ident()

    def commit(self, units: Sequence[Unit]) -> None:
        if threading.get_ident() != self._thread:
            raise StoreUnavailable("opened in another thread")
        super().commit(units)


class TestBelongsToOneThread(Variant):
    store = OfOneThread
    caught_by: ClassVar = {
        "test_commits_may_come_from_any_thread",
    }


class Silent(MemoryStore):
    """Leaves retries off the trail."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, SettleRetry):
            del tables.events[unit.id]


class TestLeavesRetriesOffTheTrail(Variant):
    store = Silent
    caught_by: ClassVar = {
        "test_a_retry_keeps_the_item_waiting",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_everything_is_there_after_reopening",
        "test_what_was_sealed_is_opened_for_its_own_row",
    }


class Mangling(MemoryStore):
    """Keeps bodies as text."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, Receive):
            unit.raw = unit.raw.decode(errors="replace").encode()
        super().apply(tables, unit)


class TestKeepsBodiesAsText(Variant):
    store = Mangling
    caught_by: ClassVar = {
        "test_bodies_are_bytes",
    }
