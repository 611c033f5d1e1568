"""Files as they are: each phrase of the promise, and the tests that would fail if it were not kept."""

from __future__ import annotations

from importlib import import_module

import pytest

PHRASES = {
    "half-written files are never read: stable size": (
        "test_source.test_a_half_written_file_is_not_read",
        "test_scan.test_a_file_is_ready_when_it_looks_the_same_twice",
        "test_source.test_a_file_that_changes_while_it_is_read_is_given_back",
        "test_source.test_half_a_file_whose_name_is_taken_is_not_read",
        "test_source.test_a_pattern_of_hidden_names_reads_nothing_of_ours",
        "test_destination.test_links_are_never_written_through",
        "test_crash.test_a_killed_writer_leaves_no_half_file_under_a_final_name",
    ),
    "half-written files are never read: age": (
        "test_scan.test_min_age_is_of_the_last_change",
        "test_scan.test_an_empty_file_is_given_time",
    ),
    "files that vanish": (
        "test_source.test_a_file_that_vanishes_before_it_is_claimed_costs_nothing",
        "test_source.test_a_file_that_vanishes_before_it_is_read_is_noted",
        "test_source.test_a_file_that_is_removed_while_it_is_received_does_not_stop_the_intake",
        "test_source.test_a_folder_that_goes_away_and_returns",
    ),
    "files that change": (
        "test_source.test_what_was_not_read_is_never_deleted",
        "test_source.test_a_name_that_is_taken_meanwhile_is_not_lost",
        "test_endings.test_the_next_start_keeps_what_was_not_read",
        "test_ledger.test_a_file_that_changed_is_read_again",
    ),
    "files that are unreadable": (
        "test_source.test_an_unreadable_file_stays_and_is_noted_once",
        "test_source.test_trouble_of_many_files_is_told_once_and_again_when_it_returns",
        "test_source.test_a_link_is_passed_over_with_a_note",
        "test_scan.test_links_pipes_and_folders_are_no_messages",
    ),
    "files that are empty": ("test_source.test_an_empty_file_is_set_aside_after_a_while",),
    "files that are huge": (
        "test_source.test_too_large_a_file_is_never_loaded",
        "test_source.test_a_file_as_large_as_allowed_is_read_whole",
        "test_source.test_gzip",
    ),
    "files named with any bytes": (
        "test_source.test_names_of_any_bytes",
        "test_ledger.test_a_restart_reads_nothing_twice",
        "test_endings.test_a_path_that_no_bookmark_can_hold_is_told",
        "test_lives.test_a_kill_at_any_step_costs_nothing",
    ),
    "two engines on one folder": (
        "test_crash.test_engines_on_one_folder_read_each_file_once",
        "test_crash.test_files_of_an_engine_that_was_killed_are_read_first",
        "test_endings.test_an_engine_with_a_store_of_its_own_reads_what_another_left",
        "test_endings.test_what_another_connection_left_is_left_for_it",
        "test_ledger.test_a_second_engine_is_kept_out_and_another_connection_is_not",
        "test_destination.test_writers_of_one_name_lose_nothing",
    ),
    "names made from message fields never leave the folder": (
        "test_naming.test_no_message_leaves_the_folder_or_hides",
        "test_naming.test_what_a_message_brings_is_made_harmless",
        "test_naming.test_cleaning_never_brings_two_control_ids_together",
    ),
    "collisions: identical content is delivered": (
        "test_destination.test_the_same_content_again_is_delivered_and_no_second_file",
        "test_destination.test_a_retry_finds_its_file_although_the_first_name_is_free_again",
    ),
    "collisions: other content gets the message id": (
        "test_destination.test_other_content_gets_a_name_of_its_own",
        "test_destination.test_when_every_name_is_taken_a_human_is_needed",
        "test_destination.test_overwrite_replaces",
        "test_destination.test_without_a_control_id_the_message_id_is_the_name",
    ),
    "rename failures": (
        "test_endings.test_a_call_that_fails_for_a_while_costs_no_message",
        "test_destination.test_a_call_that_fails_once_is_one_whole_file_in_the_end",
        "test_source.test_without_links_files_are_moved_and_given_back_all_the_same",
        "test_source.test_a_file_that_cannot_be_moved_is_not_read_twice",
        "test_destination.test_a_full_disk_is_unreachable_and_leaves_nothing",
        "test_endings.test_a_ledger_that_still_fails_keeps_the_intake_waiting",
    ),
    "restart anywhere loses and doubles nothing": (
        "test_lives.test_a_kill_at_any_step_costs_nothing",
        "test_engine_kills.test_each_file_is_one_message",
        "test_endings.test_stop_mend_start_is_one_message",
        "test_endings.test_what_was_committed_after_all_is_not_read_again",
        "test_endings.test_a_stop_leaves_what_is_not_known_to_the_next_start",
        "test_crash.test_a_file_that_was_being_given_back_is_read_once",
        "test_crash.test_what_a_killed_writer_began_is_delivered_once",
        "test_source.test_a_stop_comes_between_files",
    ),
}


@pytest.mark.parametrize("phrase", PHRASES)
def test_each_phrase_has_its_tests(phrase: str) -> None:
    for name in PHRASES[phrase]:
        module, _, test = name.partition(".")
        assert callable(getattr(import_module(f"tests.file.{module}"), test)), name
