"""Stores that break the contract, each in one way: in what is kept, sealed, counted and replayed.

`caught_by` names every clause that has to notice. Run by test_kit.py in a process of its own; the classes fail, as
they should.
"""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from messagefoundry.contracts.ciphers import UnreadableValue
from messagefoundry.contracts.errors import StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.contracts.units import (
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
from messagefoundry.testing import MemoryStore, MemoryStores
from messagefoundry.testing.memory.store import APPLY, Disk, MemoryHold
from messagefoundry.testing.memory.tables import Tables
from tests.testing.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
from tests.testing.store_variant import Stores, Variant


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
        "test_a_repeat_of_an_error_is_received",
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
        "test_a_bookmark_is_there_after_reopening",
        "test_bookmarks_are_text_of_any_characters",
        "test_everything_is_there_after_reopening",
        "test_ids_go_on_after_reopening",
        "test_nothing_of_the_content_lies_open",
        "test_repeats_are_known_after_reopening",
        "test_what_was_kept_is_there_after_reopening",
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


class Bookless(MemoryStore):
    """Keeps bookmarks in memory."""

    def close(self) -> None:
        self.disk.tables.bookmarks.clear()


class TestForgetsBookmarks(Variant):
    store = Bookless
    caught_by: ClassVar = {
        "test_a_bookmark_is_there_after_reopening",
        "test_bookmarks_are_text_of_any_characters",
    }


class Ahead(MemoryStore):
    """Writes bookmarks at once, before the batch is committed."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        self.disk.tables.bookmarks.update(tables.bookmarks)


class TestMovesBookmarksWithoutTheirMessages(Variant):
    store = Ahead
    caught_by: ClassVar = {
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_what_was_not_committed_did_not_come",
    }


class OneForAll(MemoryStore):
    """Has one bookmark for all inbounds."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        before = tables.bookmarks
        super().apply(tables, unit)
        if isinstance(unit, Receive) and unit.bookmark:
            tables.bookmarks = dict.fromkeys([unit.inbound, *before], unit.bookmark)


class TestHasOneBookmarkForAll(Variant):
    store = OneForAll
    caught_by: ClassVar = {
        "test_a_bookmark_is_kept_for_its_inbound",
        "test_the_last_bookmark_of_a_batch_counts",
    }


class Sorting(MemoryStore):
    """Writes the bookmarks of a batch in the order of their values."""

    def commit(self, units: Sequence[Unit]) -> None:
        super().commit(units)
        for unit in sorted((unit for unit in units if isinstance(unit, Receive)), key=lambda unit: unit.bookmark):
            if unit.bookmark:
                self.disk.tables.bookmarks[unit.inbound] = unit.bookmark


class TestTakesTheHighestBookmark(Variant):
    store = Sorting
    caught_by: ClassVar = {
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_the_last_bookmark_of_a_batch_counts",
    }


class Erasing(MemoryStore):
    """Writes a bookmark for messages that have none too, and cuts long ones off."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, Receive):
            tables.bookmarks[unit.inbound] = unit.bookmark[:255] or "none"


class TestErasesBookmarks(Variant):
    store = Erasing
    caught_by: ClassVar = {
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_bookmark_is_kept_for_its_inbound",
        "test_a_repeat_moves_the_bookmark",
        "test_bookmarks_are_text_of_any_characters",
        "test_the_last_bookmark_of_a_batch_counts",
        "test_there_is_no_bookmark_at_first",
    }


class OfMessages(MemoryStore):
    def last_id(self) -> int:
        return max(self.disk.tables.messages, default=0)


class TestLastIdOfOneTable(Variant):
    store = OfMessages
    caught_by: ClassVar = {
        "test_a_reference_set_is_kept",
        "test_a_repeat_is_an_event_of_the_first",
        "test_batches_of_any_size",
        "test_events_of_a_connection_are_kept",
        "test_ids_ascend_over_all_tables",
        "test_ids_go_on_after_reopening",
        "test_repeats_are_known_after_reopening",
        "test_state_is_written_with_its_hand_off",
        "test_what_was_kept_is_there_after_reopening",
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
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_an_outage_is_not_the_units_fault",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_the_same_batch_commits_after_an_outage",
        "test_what_is_sent_in_an_outage_fails_when_collected",
        "test_what_was_not_committed_did_not_come",
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
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_an_outage_is_not_the_units_fault",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_the_same_batch_commits_after_an_outage",
        "test_what_is_sent_in_an_outage_fails_when_collected",
        "test_what_was_not_committed_did_not_come",
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
        "test_members_may_have_come_before",
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


class Rereading(MemoryStore):
    """Reads delivered items again."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, RefillLane):
            tables = tables.copy()
            for key, row in tables.work.items():
                if row.state == "delivered":
                    tables.work[key] = replace(row, state="waiting")
        super().apply(tables, unit)


class TestReadsWhatIsSettled(Variant):
    store = Rereading
    caught_by: ClassVar = {
        "test_a_delivered_item_leaves_its_lane",
        "test_a_resend_queues_the_newest_payload_of_each_lane",
        "test_a_resend_to_one_lane",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_readers_see_whole_batches_while_others_commit",
        "test_what_is_settled_is_not_read_again",
    }


class Strict(MemoryStore):
    """Fails when a row cannot be opened."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, RefillLane | RefillFlow) and unit.unreadable:
            raise UnreadableValue(f"body {unit.unreadable[0]} cannot be opened")


class TestStopsAtWhatCannotBeOpened(Variant):
    store = Strict
    caught_by: ClassVar = {
        "test_a_flow_passes_over_what_cannot_be_opened",
        "test_a_lane_passes_over_what_cannot_be_opened",
    }


class Adding(MemoryStore):
    """Adds to what it has filled in before."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        APPLY[type(unit)](tables, self._cipher, unit)


class TestFillsOnTop(Variant):
    store = Adding
    caught_by: ClassVar = {
        "test_a_unit_that_comes_again_is_filled_anew",
    }


class SavedOnClose(MemoryStore):
    def __init__(self, disk: Disk, cipher: Cipher, file: Path) -> None:
        super().__init__(disk, cipher)
        self._file = file

    def close(self) -> None:
        self._file.write_bytes(pickle.dumps(self.disk.tables))


class InFiles(MemoryStores):
    """Writes to its file when it is closed, and keeps other engines out of its own process alone."""

    def disk(self, location: StoreLocation) -> Disk:
        disk, file = super().disk(location), Path(location.path)
        if disk.tables == Tables() and file.exists():
            disk.tables = pickle.loads(file.read_bytes())
        return disk

    def open(self, location: StoreLocation, cipher: Cipher) -> MemoryStore:
        return SavedOnClose(self.disk(location), cipher, Path(location.path))


IN_FILES = InFiles()


class TestSavesWhenClosed(Variant):
    not_applicable: ClassVar = {}
    caught_by: ClassVar = {
        "test_a_commit_survives_a_killed_process",
        "test_a_hold_ends_with_its_process",
    }

    @pytest.fixture
    def subject(self, tmp_path: Path) -> InMemory:
        subject = InMemory(InFiles())
        subject.location = StoreLocation(path=str(tmp_path / "store"))
        subject.reference = f"{__name__}:IN_FILES"
        return subject
