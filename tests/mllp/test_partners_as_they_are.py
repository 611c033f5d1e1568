"""Partners as they are: everything that is known of them, and beside it the tests of what then happens.

Outcomes are those of semantics (receiving and sending over MLLP). Connectors alone, on time of their own, are tested
in this folder; whole engines in real processes in `tests/acceptance/test_partners_*.py`.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CONNECTIONS = "mllp/test_connections.py"
FRAMING = "mllp/test_framing.py"
LISTENER = "mllp/test_listener.py"
SENDER = "mllp/test_sender.py"
REPLIES = "mllp/test_replies.py"
TLS = "mllp/test_tls.py"
SENDING = "acceptance/test_partners_sending.py"
RECEIVING = "acceptance/test_partners_receiving.py"
CROWDS = "acceptance/test_partners_in_crowds.py"
ANSWERED = f"{SENDING}::test_a_sender_is_answered_and_the_connection_stays"
DELIVERED = f"{RECEIVING}::test_a_partner_gets_the_message_and_the_next_one"

LIST = {
    "one byte at a time": [
        f"{ANSWERED}[one byte at a time]",
        f"{LISTENER}::test_a_frame_may_come_byte_by_byte",
    ],
    "500 frames in one packet": [
        f"{ANSWERED}[500 frames in one packet]",
        f"{LISTENER}::test_500_frames_in_one_packet_are_answered_in_order",
    ],
    "NUL or noise between frames": [
        f"{ANSWERED}[NUL between frames]",
        f"{ANSWERED}[noise between frames]",
        f"{LISTENER}::test_noise_is_dropped_with_its_count_once_a_connection",
    ],
    "no FS": [
        f"{ANSWERED}[no FS, and the next frame follows]",
        f"{ANSWERED}[no FS inside a segment, and the next frame follows]",
        f"{SENDING}::test_no_fs_is_waited_for_until_receive_timeout_and_nothing_accepted",
        f"{SENDING}::test_a_peer_that_closes_inside_a_frame_leaves_nothing",
    ],
    "no CR after FS": [
        f"{ANSWERED}[no CR after FS]",
        f"{FRAMING}::test_a_missing_carriage_return_after_fs_is_tolerated",
        f"{FRAMING}::test_a_frame_is_complete_at_fs_without_waiting_for_more",
    ],
    "LF-only segments": [f"{ANSWERED}[LF-only segments]", f"{ANSWERED}[CRLF segments]"],
    "a peer that speaks first": [
        f"{DELIVERED}[SPEAKS_FIRST]",
        f"{DELIVERED}[SPEAKS_FIRST_OF_ANOTHER]",
        f"{DELIVERED}[SPEAKS_FIRST_A_MESSAGE]",
        f"{SENDER}::test_bytes_that_came_unasked_cost_the_connection",
    ],
    "a peer that closes before or during the ACK": [
        f"{DELIVERED}[CLOSES_BEFORE]",
        f"{DELIVERED}[CLOSES_DURING]",
        f"{DELIVERED}[RESETS_DURING]",
        f"{SENDING}::test_a_peer_that_leaves_before_its_ack_is_stored_once_or_not_at_all",
        f"{LISTENER}::test_a_peer_that_resets_while_its_message_is_committed_costs_nothing",
    ],
    "never answers": [
        f"{DELIVERED}[NEVER_ANSWERS]",
        f"{SENDER}::test_without_a_reply_the_outcome_is_unknown_and_the_connection_closed",
    ],
    "answers late": [
        f"{DELIVERED}[ANSWERS_LATE]",
        f"{SENDER}::test_a_late_reply_never_acknowledges_the_next_message",
    ],
    "for another control id": [
        f"{DELIVERED}[NAMES_ANOTHER]",
        f"{DELIVERED}[NAMES_ANOTHER_THEN_IT]",
        f"{RECEIVING}::test_three_replies_to_other_messages_stop_the_lane",
        f"{SENDER}::test_one_mismatch_an_attempt_stops_the_lane_at_the_third",
    ],
    "twice": [
        f"{DELIVERED}[ANSWERS_TWICE]",
        f"{SENDER}::test_a_second_reply_in_the_same_packet_never_acknowledges_the_next_message",
    ],
    "with CA then AA": [
        f"{DELIVERED}[CA_THEN_AA]",
        f"{SENDER}::test_ca_then_aa_settles_at_ca_and_keeps_the_connection",
    ],
    "with a truncated or empty MSA-2": [
        f"{DELIVERED}[TRUNCATES_TO_20]",
        f"{DELIVERED}[TRUNCATES_TO_10]",
        f"{DELIVERED}[NAMES_NOTHING]",
        f"{REPLIES}::test_the_first_20_characters_match",
    ],
    "with something that is not HL7": [
        f"{DELIVERED}[ANSWERS_NO_HL7]",
        f"{DELIVERED}[ANSWERS_NO_MSA]",
        f"{ANSWERED}[something that is not HL7]",
        f"{ANSWERED}[an empty frame]",
    ],
    "half-closed sockets": [
        f"{SENDING}::test_a_half_closed_peer_still_gets_its_acks",
        f"{CONNECTIONS}::test_a_half_closed_peer_gets_its_acks_over_tls_too",
        f"{DELIVERED}[HALF_CLOSES]",
        f"{SENDER}::test_a_half_closed_partner_is_replaced",
    ],
    "1,000 idle connections": [f"{CROWDS}::test_1000_idle_connections_cost_little_and_hinder_nobody"],
    "oversize frames": [
        f"{SENDING}::test_an_oversize_frame_is_answered_from_its_header_and_the_connection_closed",
        f"{FRAMING}::test_the_head_of_an_oversize_frame_does_not_depend_on_how_it_came",
        f"{TLS}::test_an_oversize_frame_is_answered_over_tls_too",
    ],
    "stalling TLS handshakes": [
        f"{CROWDS}::test_peers_that_stall_the_tls_handshake_are_dropped_and_hinder_nobody",
        f"{TLS}::test_a_stalled_handshake_times_out_and_blocks_nobody",
        f"{TLS}::test_a_partner_that_stalls_the_handshake_is_unreachable",
    ],
    "slow readers": [
        f"{CROWDS}::test_peers_that_do_not_read_their_acks_hold_up_themselves_alone",
        f"{LISTENER}::test_a_peer_that_takes_no_replies_is_dropped",
        f"{SENDER}::test_a_partner_that_takes_nothing_is_unreachable",
    ],
    "a connection flood on one listener while others serve": [
        f"{CROWDS}::test_a_flood_of_connections_on_one_listener_leaves_another_alone",
        f"{CROWDS}::test_without_file_descriptors_who_is_connected_is_served_and_others_wait",
        f"{SENDING}::test_a_peer_beyond_max_connections_is_closed_and_leaves_the_others_alone",
    ],
    "Feeds that are quiet for hours stay connected": [
        f"{CONNECTIONS}::test_a_feed_that_is_quiet_for_hours_stays_connected",
        f"{CONNECTIONS}::test_a_sender_that_may_stays_connected_over_quiet_hours",
        f"{CONNECTIONS}::test_a_sender_leaves_a_quiet_connection_after_its_idle_timeout",
        f"{CONNECTIONS}::test_tcp_keepalive_is_on_at_both_sides",
    ],
    # not in the list, of the same kind
    "a partner that resets mid-write": [f"{DELIVERED}[RESETS_MID_WRITE]"],
    "a partner that accepts and closes at once": [
        f"{RECEIVING}::test_a_partner_that_accepts_and_closes_at_once_is_tried_with_back_off",
        f"{CONNECTIONS}::test_a_partner_whose_connections_take_no_byte_is_given_up_at_the_second",
    ],
    "a name with two addresses, the first dead": [
        f"{CONNECTIONS}::test_the_second_address_of_a_name_is_used_when_the_first_is_dead",
        f"{CONNECTIONS}::test_a_name_whose_addresses_are_all_dead_is_unreachable",
    ],
    "a partner that restarts between messages": [
        f"{RECEIVING}::test_a_partner_that_restarts_between_messages_costs_no_attempt",
        f"{DELIVERED}[CLOSES_AFTER]",
    ],
    "a message of 5 MB": [f"{CONNECTIONS}::test_a_large_message_costs_time_linear_in_its_size"],
    "a character set that does not fit": [
        f"{SENDING}::test_a_character_set_that_does_not_fit_is_named_to_the_operator",
        f"{LISTENER}::test_a_character_set_that_does_not_fit_is_noted_by_name",
    ],
    "no MSH-9, no MSH-10": [f"{ANSWERED}[no MSH-9]", f"{ANSWERED}[no MSH-10]"],
    "a port that cannot be bound": [
        f"{SENDING}::test_a_busy_port_is_named_with_its_mend",
        f"{LISTENER}::test_a_busy_port_raises_oserror",
        f"{LISTENER}::test_an_address_that_is_not_ours_raises_oserror_with_its_mend",
    ],
}


@pytest.mark.parametrize(
    ("phrase", "test"), [(phrase, test) for phrase, tests in LIST.items() for test in tests], ids=str
)
def test_the_list_names_tests_that_exist(phrase: str, test: str) -> None:
    file, _, name = test.partition("::")
    function, _, case = name.rstrip("]").partition("[")
    functions, texts = read(file)
    assert function in functions
    assert case in texts | {""}


@cache
def read(file: str) -> tuple[frozenset[str], frozenset[str]]:
    """The functions of a file of tests, and its string literals, the ids of cases among them."""
    tree = ast.parse((TESTS / file).read_text())
    functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return frozenset(functions), frozenset(texts)
