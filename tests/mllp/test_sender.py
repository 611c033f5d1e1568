from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from messagefoundry.contracts import Delivered, PartnerFault, Rejected, Unreachable
from messagefoundry.testing import free_port
from messagefoundry_mllp.sender import Sender, mllp_sender, tcp_sender
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings
from messagefoundry_mllp.wire import PlainWire

from .world import (
    HOST,
    Engine,
    Script,
    ack,
    adt,
    answer_all,
    framed,
    item,
    partner,
    read_all,
    read_exactly,
    read_frame,
)

if TYPE_CHECKING:
    from trio.testing import MockClock


def mllp(port: int, **options: object) -> Sender:
    return mllp_sender(MLLPSettings.model_validate({"host": HOST, "port": port, **options}), Engine())


def answering(*replies: bytes) -> Script:
    """Read one message, answer all of `replies`, and wait for the sender to leave."""

    async def script(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(b"".join(replies))
        await read_all(stream)

    return script


async def test_delivered_tells_who_answered_what_and_when() -> None:
    async with partner(answer_all) as server, mllp(server.port) as sender:
        before = time.time_ns() // 1000
        outcome = await sender.send(item(adt("42")))

    assert isinstance(outcome, Delivered)
    assert outcome.reply == ack("42")
    assert (outcome.msa_1, outcome.msa_2, outcome.peer) == ("AA", "42", f"{HOST}:{server.port}")
    assert before <= outcome.sent_at <= outcome.acknowledged_at <= time.time_ns() // 1000


async def test_the_payload_is_written_as_it_is() -> None:
    seen = []

    async def script(stream: trio.abc.Stream) -> None:
        seen.append(await read_frame(stream))
        await stream.send_all(framed(ack()))
        await read_all(stream)

    payload = adt(size=300_000) + b"\n\xff"
    async with partner(script) as server, mllp(server.port) as sender:
        await sender.send(item(payload))

    assert seen == [payload]


async def test_the_connection_is_kept() -> None:
    async with partner(answer_all) as server, mllp(server.port) as sender:
        for number in range(5):
            assert isinstance(await sender.send(item(adt(str(number)))), Delivered)
        assert server.connections == 1


async def test_persistent_false_takes_a_connection_for_each_message() -> None:
    async with partner(answer_all) as server, mllp(server.port, persistent=False) as sender:
        for number in range(3):
            assert isinstance(await sender.send(item(adt(str(number)))), Delivered)
        assert server.connections == 3


async def test_a_connection_that_is_too_old_is_replaced() -> None:
    async with partner(answer_all) as server, mllp(server.port, max_connection_age_seconds=1e-6) as sender:
        for number in range(3):
            assert isinstance(await sender.send(item(adt(str(number)))), Delivered)
        assert server.connections == 3


async def test_an_idle_connection_is_closed_without_waiting_for_the_next_message(clock: MockClock) -> None:
    closed = trio.Event()

    async def script(stream: trio.abc.Stream) -> None:
        await answer_all(stream)
        closed.set()

    async with partner(script) as server, mllp(server.port, idle_timeout_seconds=1) as sender:
        await sender.send(item())
        await closed.wait()
        assert isinstance(await sender.send(item()), Delivered)
        assert server.connections == 2


@pytest.mark.parametrize(("code", "permanent"), [("AE", False), ("CE", False), ("AR", True), ("CR", True)])
async def test_a_refusal_keeps_the_connection(code: str, permanent: bool) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1", code)))
        await answer_all(stream)

    async with partner(script) as server, mllp(server.port) as sender:
        outcome = await sender.send(item())
        assert isinstance(outcome, Rejected)
        assert (outcome.permanent, outcome.msa_1, outcome.reply) == (permanent, code, ack("1", code))
        assert isinstance(await sender.send(item()), Delivered)
        assert server.connections == 1


async def test_nak_decides_what_a_refusal_means() -> None:
    async with partner(answering(framed(ack("1", "AE")))) as server, mllp(server.port, nak={"AE": "dead"}) as sender:
        outcome = await sender.send(item())

    assert isinstance(outcome, Rejected)
    assert outcome.permanent


async def silent(stream: trio.abc.Stream) -> None:
    await read_all(stream)


async def leaving(stream: trio.abc.Stream) -> None:
    await read_frame(stream)


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (silent, "no reply within 1 s"),
        (leaving, "closed the connection before its reply"),
        (answering(framed(b"hello")), "not an acknowledgment"),
        (answering(framed(ack("1", "XX"))), "not an acknowledgment"),
        (answering(framed(ack())[:10]), "no reply within"),
        (answering(b"no frame at all"), "no reply within"),
        (answering(b"\x0b" + b"x" * 2000), "max_frame_bytes"),
    ],
)
async def test_without_a_reply_the_outcome_is_unknown_and_the_connection_closed(
    script: Script, text: str, clock: MockClock
) -> None:
    options = {"timeout_seconds": 1, "max_frame_bytes": 1000}
    async with partner(script, answer_all) as server, mllp(server.port, **options) as sender:
        with pytest.raises(Unreachable, match=text) as caught:
            await sender.send(item())
        assert caught.value.outcome_unknown
        assert isinstance(await sender.send(item()), Delivered)
        assert server.connections == 2


async def test_a_partner_that_is_away_is_unreachable_and_nothing_was_sent() -> None:
    async with mllp(free_port()) as sender:
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1:\d+: Connection refused$") as caught:
            await sender.send(item())
    assert not caught.value.outcome_unknown


async def test_an_unknown_host_is_unreachable() -> None:
    async with mllp_sender(MLLPSettings(host="no-such-host.invalid", port=1), Engine()) as sender:
        with pytest.raises(Unreachable, match=r"no-such-host\.invalid:1: "):
            await sender.send(item())


async def test_connecting_has_a_limit(clock: MockClock) -> None:
    with socket.create_server((HOST, 0), backlog=0) as server:
        port = server.getsockname()[1]
        # A full backlog leaves further connections without an answer.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((HOST, port))
        async with mllp(port, connect_timeout=1) as sender:
            with pytest.raises(Unreachable, match="did not answer within 1 s"):
                await sender.send(item())
        for filler in fillers:
            filler.close()


async def send_for_ever(stream: trio.abc.Stream, data: bytes) -> None:
    while True:
        await stream.send_all(data)


async def test_a_late_reply_never_acknowledges_the_next_message(clock: MockClock) -> None:
    late = trio.Event()

    async def slow(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await late.wait()
        # The sender has left: the late AA must not be read by anybody.
        with pytest.raises(trio.BrokenResourceError):
            await send_for_ever(stream, framed(ack("")))

    async with partner(slow, answering(framed(ack("", "AE")))) as server:
        async with mllp(server.port, timeout_seconds=1) as sender:
            with pytest.raises(Unreachable):
                await sender.send(item(adt("1")))
            late.set()
            outcome = await sender.send(item(adt("2"), work_id=2))
    assert isinstance(outcome, Rejected)


async def test_bytes_that_came_unasked_cost_the_connection() -> None:
    sent = trio.Event()

    async def chatty(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1")))
        await read_nothing_yet(stream)

    async def read_nothing_yet(stream: trio.abc.Stream) -> None:
        await stream.send_all(framed(ack("2")))
        sent.set()
        await read_all(stream)

    async with partner(chatty, answering(framed(ack("2", "AE")))) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)
        await sent.wait()
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Rejected)
        assert server.connections == 2


async def test_a_second_reply_in_the_same_packet_never_acknowledges_the_next_message() -> None:
    script = answering(framed(ack("1")) + framed(ack("")))
    async with partner(script, answering(framed(ack("2", "AE")))) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Rejected)
        assert server.connections == 2


async def test_half_a_frame_that_came_unasked_costs_the_connection() -> None:
    script = answering(framed(ack("1")) + b"\x0bMSH|")
    async with partner(script, answer_all) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_a_connection_closed_by_the_partner_while_idle_is_replaced_without_a_failure() -> None:
    closed = trio.Event()

    async def once(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1")))
        await stream.aclose()
        closed.set()

    async with partner(once, answer_all) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)
        await closed.wait()
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_a_connection_that_takes_no_byte_is_replaced_without_a_failure() -> None:
    async with partner(answer_all) as server, mllp(server.port) as sender:
        await sender.send(item(adt("1")))
        wire = sender._link._wire
        assert isinstance(wire, PlainWire)
        wire._socket.shutdown(socket.SHUT_WR)
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_a_half_closed_partner_is_replaced() -> None:
    async def half(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SocketStream)
        await read_frame(stream)
        await stream.send_all(framed(ack("1")))
        await stream.send_eof()
        closed.set()
        await read_all(stream)

    closed = trio.Event()
    async with partner(half, answer_all) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)
        await closed.wait()
        assert isinstance(await sender.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_ca_then_aa_settles_at_ca_and_keeps_the_connection() -> None:
    async def enhanced(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1", "CA")) + framed(ack("1", "AA")))
        await read_frame(stream)
        await stream.send_all(framed(ack("2", "CA")))
        await read_frame(stream)
        await stream.send_all(framed(ack("2", "AA")) + framed(ack("3", "AE")))
        await read_all(stream)

    engine = Engine()
    async with partner(enhanced) as server:
        async with mllp_sender(MLLPSettings(host=HOST, port=server.port), engine) as sender:
            codes = [(await sender.send(item(adt(str(number)), work_id=number))).msa_1 for number in (1, 2, 3)]
        assert server.connections == 1

    assert codes == ["CA", "CA", "AE"]
    assert engine.kinds() == ["application acknowledgment"] * 2


async def test_a_reply_to_another_message_is_passed_over() -> None:
    script = answering(framed(ack("0", "AR")) + framed(ack("0", "AR")) + framed(ack("1")))
    async with partner(script) as server, mllp(server.port) as sender:
        assert isinstance(await sender.send(item(adt("1"))), Delivered)


async def test_three_mismatches_stop_the_lane() -> None:
    async with partner(answering(*[framed(ack("0"))] * 3)) as server, mllp(server.port) as sender:
        with pytest.raises(PartnerFault, match="3 replies in a row"):
            await sender.send(item(adt("1")))


async def test_one_mismatch_an_attempt_stops_the_lane_at_the_third(clock: MockClock) -> None:
    async with partner(answering(framed(ack("0")))) as server, mllp(server.port, timeout_seconds=1) as sender:
        for attempt in (1, 2):
            with pytest.raises(Unreachable, match="no reply"):
                await sender.send(item(adt("1"), attempt=attempt))
        with pytest.raises(PartnerFault):
            await sender.send(item(adt("1"), attempt=3))


async def test_no_ack_delivers_what_is_written_and_ignores_replies() -> None:
    received = []
    done = trio.Event()

    async def script(stream: trio.abc.Stream) -> None:
        for _ in range(3):
            received.append(await read_exactly(stream, len(framed(adt("1")))))
            await stream.send_all(framed(ack("1", "AR")))
        done.set()
        await read_all(stream)

    async with partner(script) as server, mllp(server.port, no_ack=True) as sender:
        for _ in range(3):
            outcome = await sender.send(item(adt("1")))
            assert isinstance(outcome, Delivered)
            assert (outcome.reply, outcome.acknowledged_at, outcome.msa_1) == (None, 0, "")
        await done.wait()
        assert server.connections == 1

    assert received == [framed(adt("1"))] * 3


async def test_no_ack_without_a_kept_connection_still_arrives_whole() -> None:
    received = []

    async def script(stream: trio.abc.Stream) -> None:
        await stream.send_all(framed(ack("1")) * 100)
        received.append(await read_all(stream))

    payload = adt(size=3_000_000)
    async with partner(script) as server, mllp(server.port, no_ack=True, persistent=False) as sender:
        assert isinstance(await sender.send(item(payload)), Delivered)

    assert received == [framed(payload)]


async def test_pacing_keeps_sends_apart(clock: MockClock) -> None:
    arrivals = []

    async def script(stream: trio.abc.Stream) -> None:
        for _ in range(3):
            await read_frame(stream)
            arrivals.append(trio.current_time())
            await stream.send_all(framed(ack("1")))

    async with partner(script) as server, mllp(server.port, send_min_interval_seconds=1) as sender:
        for _ in range(3):
            await sender.send(item(adt("1")))

    assert [round(arrival - arrivals[0]) for arrival in arrivals] == [0, 1, 2]


async def test_a_partner_that_takes_nothing_is_unreachable(clock: MockClock) -> None:
    async def deaf(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with partner(deaf) as server, mllp(server.port, timeout_seconds=1) as sender:
        with pytest.raises(Unreachable, match="took nothing for 1 s") as caught:
            await sender.send(item(adt(size=15_000_000)))
    assert caught.value.outcome_unknown


async def test_a_message_that_holds_a_frame_end_is_rejected_before_anything_is_sent() -> None:
    async with partner(answer_all) as server, mllp(server.port) as sender:
        outcome = await sender.send(item(adt() + b"\x1c"))
        assert isinstance(outcome, Rejected)
        assert outcome.permanent
        assert server.connections == 0


async def test_a_cancelled_send_closes_the_connection(clock: MockClock) -> None:
    async with partner(silent, answer_all) as server, mllp(server.port) as sender:
        with trio.move_on_after(1):
            await sender.send(item())
        assert isinstance(await sender.send(item()), Delivered)
        assert server.connections == 2


async def test_a_fault_inside_the_senders_context_is_raised_as_it_is() -> None:
    async with partner(answer_all) as server:
        with pytest.raises(ZeroDivisionError):
            async with mllp(server.port):
                raise ZeroDivisionError


@pytest.mark.parametrize("again", [False, True])
async def test_test_reaches_the_partner_without_a_message(again: bool) -> None:
    received = []

    async def script(stream: trio.abc.Stream) -> None:
        received.append(await read_all(stream))

    async with partner(script) as server, mllp(server.port) as sender:
        assert await sender.test() == f"{HOST}:{server.port} accepts connections"
        await trio.testing.wait_all_tasks_blocked(0.01)

    assert received == [b""]


async def test_test_tells_that_the_partner_is_away() -> None:
    async with mllp(free_port()) as sender:
        with pytest.raises(Unreachable, match="refused"):
            await sender.test()


@pytest.mark.parametrize(
    ("options", "payload", "sent"),
    [
        ({"encoding_characters": "#^~\\&"}, b"MSH|^~\\&|A|B\rPID|1#2\r", b"MSH#^~\\&#A#B\rPID#1\\F\\2\r"),
        ({"hl7_raw_separators": True}, b"MSH|^~\\&|A|B\rPID|a\\T\\b\r", b"MSH|^~\\&|A|B\rPID|a&b\r"),
    ],
)
async def test_messages_are_rewritten_as_the_partner_insists(
    options: dict[str, object], payload: bytes, sent: bytes
) -> None:
    seen = []

    async def script(stream: trio.abc.Stream) -> None:
        seen.append(await read_frame(stream))
        await stream.send_all(framed(ack("")))
        await read_all(stream)

    async with partner(script) as server, mllp(server.port, **options) as sender:
        await sender.send(item(payload))

    assert seen == [sent]


async def test_what_cannot_be_rewritten_is_rejected() -> None:
    async with mllp(1, encoding_characters="#^~\\&") as sender:
        outcome = await sender.send(item(b"no HL7, Smith"))

    assert isinstance(outcome, Rejected)
    assert outcome.permanent
    assert "Smith" not in outcome.reason


def tcp(port: int, **options: object) -> Sender:
    return tcp_sender(TcpSettings.model_validate({"host": HOST, "port": port, **options}), Engine())


async def test_raw_tcp_delivers_what_is_written() -> None:
    received = trio.Event()

    async def script(stream: trio.abc.Stream) -> None:
        assert await read_exactly(stream, 7) == b"\x02hello\x03"
        received.set()

    async with partner(script) as server, tcp(server.port) as sender:
        outcome = await sender.send(item(b"hello"))
        await received.wait()

    assert isinstance(outcome, Delivered)
    assert outcome.reply is None


async def test_raw_tcp_can_wait_for_one_frame(clock: MockClock) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        await read_exactly(stream, 7)
        await stream.send_all(b"\x02yes\x03")
        await read_exactly(stream, 7)

    async with partner(script) as server, tcp(server.port, expect_reply=True, timeout_seconds=1) as sender:
        outcome = await sender.send(item(b"hello"))
        with pytest.raises(Unreachable):
            await sender.send(item(b"hello"))

    assert isinstance(outcome, Delivered)
    assert outcome.reply == b"yes"
