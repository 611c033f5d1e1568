"""Stores that break the contract, each in one way: in batches, guards, order and refills.

`caught_by` names every clause that has to notice. Run by test_kit.py in a process of its own; the classes fail, as
they should.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.contracts.stores import MessageQuery, MessageRow, StoreLocation
from messagefoundry.contracts.units import (
    DeadLetter,
    HandOff,
    RefillFlow,
    RefillLane,
    Replay,
    SettleDelivered,
    SweepRemoved,
    Unit,
)
from messagefoundry.testing import MemoryStore
from messagefoundry.testing.memory.reading import MemoryReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.testing.memory.tables import Tables
from tests.testing.store_variant import Stores, Variant


class UnitByUnit(MemoryStore):
    def commit(self, units: Sequence[Unit]) -> None:
        for unit in units:
            super().commit([unit])
            time.sleep(0.001 if len(units) == 8 else 0)  # a reader in another thread has a look


class Nothing(MemoryStore):
    """Says that it has committed."""

    def commit(self, units: Sequence[Unit]) -> None:
        pass


class TestDoesNothing(Variant):
    store = Nothing
    caught_by: ClassVar = {
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_batch_itself_is_done_at_once",
        "test_a_batch_itself_is_never_run_again",
        "test_a_batch_sees_those_sent_before_it",
        "test_a_batch_settles_items_with_different_attempts",
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_a_bookmark_is_kept_for_its_inbound",
        "test_a_bookmark_is_there_after_reopening",
        "test_a_child_names_its_parent",
        "test_a_dead_item_leaves_its_lane",
        "test_a_delivered_item_leaves_its_lane",
        "test_a_failed_stage_leaves_a_dead_row",
        "test_a_fifo_lane_reads_items_that_back_off_too",
        "test_a_flow_merges_messages_and_handlers_to_be_run_again",
        "test_a_flow_passes_over_what_cannot_be_opened",
        "test_a_hand_off_fills_lanes_in_the_order_returned",
        "test_a_hand_off_without_work_ends_the_message",
        "test_a_handler_run_again_never_takes_processed_back",
        "test_a_handler_run_again_writes_state",
        "test_a_held_store_can_be_opened_and_read",
        "test_a_lane_passes_over_what_cannot_be_opened",
        "test_a_late_answer_is_on_the_trail_and_changes_nothing",
        "test_a_payload_that_cannot_be_opened_is_not_queued_again",
        "test_a_reader_sees_each_commit",
        "test_a_received_message_waits_in_its_flow",
        "test_a_reference_set_is_kept",
        "test_a_reference_set_that_has_not_changed",
        "test_a_refusal_without_a_code_is_still_one",
        "test_a_refused_message_is_an_error_that_is_never_routed",
        "test_a_repeat_in_the_same_batch",
        "test_a_repeat_is_an_event_of_the_first",
        "test_a_repeat_moves_the_bookmark",
        "test_a_repeat_of_a_refused_message_is_counted",
        "test_a_repeat_of_an_error_is_received",
        "test_a_replay_begins_counting_attempts_anew",
        "test_a_replay_passes_over_what_it_cannot_replay",
        "test_a_replay_supersedes_a_handler_to_be_run_again",
        "test_a_replay_supersedes_dead_rows",
        "test_a_replay_supersedes_what_waits",
        "test_a_replayed_message_joins_its_flows_tail",
        "test_a_replayed_row_keeps_its_simulate",
        "test_a_reply_comes_in_with_its_delivery",
        "test_a_resend_is_simulated_as_its_lane_is_today",
        "test_a_resend_leaves_what_waits",
        "test_a_resend_queues_the_newest_payload_of_each_lane",
        "test_a_resend_supersedes_the_dead_row_of_its_lane",
        "test_a_resend_to_one_lane",
        "test_a_retry_keeps_the_item_waiting",
        "test_a_stale_delivery_brings_nothing_in",
        "test_a_stale_hand_off_passes_nothing",
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_store_goes_on_after_a_stale_unit",
        "test_a_sweep_stops_at_its_limit",
        "test_a_sweep_takes_nothing_that_has_a_place",
        "test_a_sweep_takes_what_has_no_place",
        "test_a_unit_of_another_state_is_stale",
        "test_a_unit_that_comes_again_is_filled_anew",
        "test_an_error_in_the_same_batch_loses_nothing",
        "test_an_error_text_of_any_characters_is_kept",
        "test_an_operators_stop_is_kept",
        "test_an_outage_is_not_the_units_fault",
        "test_an_unordered_lane_never_reads_what_it_has",
        "test_an_unordered_lane_reads_what_is_due",
        "test_an_unordered_lane_takes_turns_by_when_items_became_due",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_attempts_are_counted_until_the_hand_off",
        "test_backlogs_tell_depth_and_age",
        "test_batches_of_any_size",
        "test_batches_sent_ahead_are_committed_in_turn",
        "test_bodies_are_bytes",
        "test_bookmarks_are_text_of_any_characters",
        "test_commits_may_come_from_any_thread",
        "test_content_is_sealed",
        "test_dead_at_ingress_replays_the_message",
        "test_dead_at_outbound_replays_its_payload",
        "test_dead_at_routed_replays_its_handler",
        "test_dead_letter_frees_every_lane",
        "test_dead_letter_in_one_lane",
        "test_dead_letter_of_a_handler_to_be_run_again",
        "test_dead_letter_of_a_received_message",
        "test_dead_letter_where_nothing_waits",
        "test_dead_letters_are_found",
        "test_dead_letters_page",
        "test_dispositions_are_counted",
        "test_errors_say_nothing_of_the_content",
        "test_events_of_a_connection_are_kept",
        "test_everything_is_there_after_reopening",
        "test_ids_ascend_over_all_tables",
        "test_ids_go_on_after_reopening",
        "test_labels_are_shown_with_their_message",
        "test_labels_are_text_of_any_characters",
        "test_lanes_and_flows_are_apart",
        "test_members_are_told_anew",
        "test_members_may_have_come_before",
        "test_messages_are_found",
        "test_messages_are_found_by_their_labels",
        "test_messages_page_both_ways",
        "test_nothing_of_the_content_lies_open",
        "test_other_content_with_the_same_identity_is_a_message",
        "test_parent_and_depth_are_told",
        "test_readers_see_whole_batches_while_others_commit",
        "test_refills_open_what_was_sealed",
        "test_refills_page_through_a_lane_in_order",
        "test_repeats_are_known_after_reopening",
        "test_replays_keep_the_order_given",
        "test_simulate_is_kept_with_the_item",
        "test_state_is_text_of_any_characters",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_state_is_written_with_its_hand_off",
        "test_the_disposition_follows_the_work",
        "test_the_head_of_a_lane",
        "test_the_last_bookmark_of_a_batch_counts",
        "test_the_last_reply_of_a_lane",
        "test_the_last_write_of_a_key_counts",
        "test_the_mark_of_a_running_engine",
        "test_the_members_of_a_batch_are_messages",
        "test_the_same_batch_commits_after_an_outage",
        "test_the_window_of_a_flow",
        "test_the_window_of_a_lane",
        "test_the_window_of_an_unordered_lane",
        "test_units_see_those_before_them_and_none_after",
        "test_what_came_before_the_window_is_new",
        "test_what_came_of_a_message_is_found",
        "test_what_cannot_be_stored_is_the_units_own_fault",
        "test_what_is_asked_behind_batches_is_answered",
        "test_what_is_forgotten_comes_as_new",
        "test_what_is_in_flight_at_a_replay_settles_as_stale",
        "test_what_is_passed_comes_in_with_the_hand_off",
        "test_what_is_sent_behind_a_failure_is_not_committed",
        "test_what_is_sent_in_an_outage_fails_when_collected",
        "test_what_was_kept_is_there_after_reopening",
        "test_what_was_not_committed_did_not_come",
        "test_what_was_sealed_is_opened_for_its_own_row",
    }


class Inventing(MemoryReader):
    """Finds something everywhere."""

    def message(self, message_id: int) -> MessageRow | None:
        return super().message(message_id) or next(iter(self.messages(MessageQuery())), None)

    def messages(self, query: MessageQuery) -> list[MessageRow]:
        return super().messages(MessageQuery())

    def reply(self, message_id: int, event_id: int) -> bytes | None:
        return super().reply(message_id, event_id) or b"a reply"

    def body(self, row_id: int) -> bytes | None:
        return super().body(row_id) or b"a body"

    def integrity(self) -> list[str]:
        return ["page 7 is damaged"]


class Careless(Stores):
    """Makes a store for whoever wants to read one, describes it at length, and locks the engine itself out."""

    def reader(self, location: StoreLocation, cipher: Cipher) -> MemoryReader:
        disk = self.disk(location)
        return Inventing(lambda: disk.tables, cipher)

    def open(self, location: StoreLocation, cipher: Cipher) -> MemoryStore:
        if self.disk(location).holder:
            raise StoreUnavailable("locked")
        return super().open(location, cipher)

    def describe(self, location: StoreLocation) -> str:
        return f"memory\n{location.path}"


class TestInventsThings(Variant):
    stores = Careless
    caught_by: ClassVar = {
        "test_a_batch_itself_is_never_run_again",
        "test_a_dead_item_leaves_its_lane",
        "test_a_held_store_can_be_opened_and_read",
        "test_a_repeat_is_an_event_of_the_first",
        "test_a_repeat_of_a_refused_message_is_counted",
        "test_a_reply_belongs_to_its_message",
        "test_a_sound_store_says_so",
        "test_a_store_describes_itself",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_bodies_are_bytes",
        "test_messages_are_found",
        "test_messages_are_found_by_their_labels",
        "test_messages_page_both_ways",
        "test_the_members_of_a_batch_are_messages",
        "test_there_is_nothing_to_read_before_the_first_open",
        "test_what_came_of_a_message_is_found",
        "test_what_is_not_there",
    }


class Eager(MemoryStore):
    """Does more than it is asked to."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, DeadLetter | SweepRemoved):
            unit.count += 1
        if isinstance(unit, Replay):
            for row in list(tables.waiting("outbound")):
                tables.work[row.id] = replace(row, state="dead")


class TestDoesMoreThanAsked(Variant):
    store = Eager
    caught_by: ClassVar = {
        "test_a_batch_itself_is_never_run_again",
        "test_a_replay_supersedes_what_waits",
        "test_a_sweep_stops_at_its_limit",
        "test_a_sweep_takes_nothing_that_has_a_place",
        "test_a_sweep_takes_what_has_no_place",
        "test_a_unit_that_comes_again_is_filled_anew",
        "test_any_sequence_of_units_does_what_the_model_does",
        "test_dead_letter_frees_every_lane",
        "test_dead_letter_in_one_lane",
        "test_dead_letter_of_a_received_message",
        "test_dead_letter_where_nothing_waits",
    }


class TestAppliesPartOfABatch(Variant):
    store = UnitByUnit
    caught_by: ClassVar = {
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_a_stale_delivery_brings_nothing_in",
        "test_a_stale_hand_off_passes_nothing",
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_store_goes_on_after_a_stale_unit",
        "test_a_unit_that_comes_again_is_filled_anew",
        "test_members_are_told_anew",
        "test_readers_see_whole_batches_while_others_commit",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_what_was_not_committed_did_not_come",
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
        "test_a_batch_itself_is_never_run_again",
        "test_a_bookmark_is_committed_with_its_message_or_not_at_all",
        "test_a_refused_message_is_an_error_that_is_never_routed",
        "test_a_stale_delivery_brings_nothing_in",
        "test_a_stale_hand_off_passes_nothing",
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_store_goes_on_after_a_stale_unit",
        "test_a_unit_of_another_state_is_stale",
        "test_a_unit_that_comes_again_is_filled_anew",
        "test_attempts_are_counted_until_the_hand_off",
        "test_dead_at_routed_replays_its_handler",
        "test_dead_letter_frees_every_lane",
        "test_dead_letter_of_a_received_message",
        "test_errors_say_nothing_of_the_content",
        "test_members_are_told_anew",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_what_is_in_flight_at_a_replay_settles_as_stale",
        "test_what_is_sent_behind_a_failure_is_not_committed",
        "test_what_was_not_committed_did_not_come",
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
        "test_a_stale_delivery_brings_nothing_in",
        "test_a_stale_unit_rolls_its_whole_batch_back",
        "test_a_unit_of_another_state_is_stale",
        "test_dead_letter_frees_every_lane",
        "test_what_is_in_flight_at_a_replay_settles_as_stale",
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
        "test_a_lane_passes_over_what_cannot_be_opened",
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
        "test_a_replay_supersedes_what_waits",
        "test_any_sequence_of_units_does_what_the_model_does",
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
