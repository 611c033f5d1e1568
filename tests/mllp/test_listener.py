from __future__ import annotations

import errno
import socket
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from messagefoundry.contracts import Receipt
from messagefoundry.message import RefusalKind
from messagefoundry_mllp import accepting
from messagefoundry_mllp.listener import Listener
from messagefoundry_mllp.settings import MLLPSettings, TcpSettings

from .world import (
    HOST,
    Engine,
    accept,
    ack,
    adt,
    connect,
    exchange,
    framed,
    listening,
    read_all,
    read_exactly,
    read_frame,
)

if TYPE_CHECKING:
    from trio.testing import MockClock

MLLP = MLLPSettings(port=0)


async def test_a_message_is_received_as_it_came_and_answered() -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        assert await exchange(peer, adt("77")) == ack("77")

    assert engine.received == [adt("77")]
    assert engine.notes == []


async def test_the_answer_waits_for_the_receipt(clock: MockClock) -> None:
    engine = Engine(gate=trio.Event())
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt()))
        await engine.until(lambda: engine.received != [])
        with trio.move_on_after(1) as early:
            await peer.receive_some()
        assert early.cancelled_caught

        assert engine.gate is not None
        engine.gate.set()
        assert await read_frame(peer) == ack()


async def test_a_frame_may_come_byte_by_byte() -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        for byte in framed(adt()):
            await peer.send_all(bytes([byte]))
        assert await read_frame(peer) == ack()

    assert engine.received == [adt()]


async def test_500_frames_in_one_packet_are_answered_in_order() -> None:
    engine = Engine()
    contents = [adt(str(number)) for number in range(500)]
    replies = [framed(ack(str(number))) for number in range(500)]
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(b"".join(map(framed, contents)))
        assert await read_exactly(peer, sum(map(len, replies))) == b"".join(replies)

    assert engine.received == contents


async def test_noise_is_dropped_with_its_count_once_a_connection() -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(b"\0\0" + framed(adt("1")) + b"\n")
            await read_frame(peer)
            await peer.send_all(framed(adt("2")) + b"\n")
            await read_frame(peer)
        detail, _ = await engine.noted("noise dropped")

    assert "4 bytes" in detail
    assert engine.kinds() == ["noise dropped"]


@pytest.mark.parametrize(
    ("sent", "hint"),
    [(b"\x16\x03\x01\x02\x00", "TLS"), (b"MSH|^~\\&|A|", "without framing"), (b"GET / HTTP/1.1\r\n", "HTTP")],
)
async def test_a_foreign_protocol_is_named(sent: bytes, hint: str) -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(sent)
        detail, _ = await engine.noted("noise dropped")

    assert hint in detail
    assert engine.received == []


async def test_a_receipt_without_reply_answers_nothing() -> None:
    def silent_once(raw: bytes) -> Receipt:
        return Receipt(True, 1) if raw == adt("silent") else accept(raw)

    async with listening(MLLP, Engine(silent_once)) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("silent")) + framed(adt("loud")))
        assert await read_frame(peer) == ack("loud")


async def test_a_receipt_can_close_the_connection_without_an_answer() -> None:
    engine = Engine(lambda raw: Receipt(False, close=True))
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")) + framed(adt("2")))
        assert await read_all(peer) == b""

    assert engine.received == [adt("1")]


async def test_a_receipt_can_answer_and_then_close() -> None:
    engine = Engine(lambda raw: Receipt(False, reply=ack("1", "AE"), code="AE", close=True))
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")) + framed(adt("2", size=3_000_000)))
        assert await read_all(peer) == framed(ack("1", "AE"))


async def test_a_peer_that_closes_its_sending_side_still_gets_its_replies() -> None:
    async with listening(MLLP, Engine()) as listener, await connect(listener) as peer:
        await peer.send_all(framed(adt("1")) + framed(adt("2")))
        await peer.send_eof()
        assert await read_all(peer) == framed(ack("1")) + framed(ack("2"))


async def test_a_peer_that_leaves_inside_a_frame_costs_nothing() -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(framed(adt())[:20])
        await engine.noted("frame cut")
        async with await connect(listener) as peer:
            assert await exchange(peer, adt()) == ack()

    assert engine.received == [adt()]


async def test_a_peer_that_resets_while_its_message_is_committed_costs_nothing() -> None:
    engine = Engine(gate=trio.Event())
    async with listening(MLLP, engine) as listener, await connect(listener) as other:
        peer = await connect(listener)
        await peer.send_all(framed(adt("1")) + framed(adt("2")))
        await engine.until(lambda: len(engine.received) == 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await peer.aclose()
        assert engine.gate is not None
        engine.gate.set()
        await engine.noted("peer lost")
        assert await exchange(other, adt("3")) == ack("3")

    # The second message could not have been answered, so it is left to the sender to send it again.
    assert engine.received == [adt("1"), adt("3")]


@pytest.mark.parametrize("reset", [False, True])
async def test_a_health_check_that_connects_and_leaves_is_not_worth_a_note(reset: bool) -> None:
    engine = Engine()
    async with listening(MLLP, engine) as listener:
        for _ in range(3):
            peer = await connect(listener)
            if reset:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await peer.aclose()
        async with await connect(listener) as peer:
            await exchange(peer, adt())

    assert engine.notes == []


async def test_a_fault_met_with_one_peer_does_not_end_another() -> None:
    def broken(raw: bytes) -> Receipt:
        if raw == adt("bad"):
            raise ZeroDivisionError("patient Smith")
        return accept(raw)

    engine = Engine(broken)
    async with listening(MLLP, engine) as listener, await connect(listener) as other:
        async with await connect(listener) as peer:
            await peer.send_all(framed(adt("bad")))
            assert await read_all(peer) == b""
        assert await exchange(other, adt("good")) == ack("good")

    detail, alert = await engine.noted("peer dropped")
    assert "ZeroDivisionError" in detail
    assert "Smith" not in detail
    assert alert


async def test_slow_peers_do_not_hold_up_others() -> None:
    engine = Engine(gate=trio.Event())
    async with listening(MLLP, engine) as listener, await connect(listener) as slow, await connect(listener) as quick:
        await slow.send_all(framed(adt("slow")))
        await engine.until(lambda: engine.received != [])
        waiting, engine.gate = engine.gate, None
        assert await exchange(quick, adt("quick")) == ack("quick")
        assert waiting is not None
        waiting.set()
        assert await read_frame(slow) == ack("slow")


async def test_a_busy_port_raises_oserror() -> None:
    async with listening(MLLP, Engine()) as listener:
        with pytest.raises(OSError, match="in use") as caught:
            await Listener(MLLPSettings(port=listener.port), Engine()).run()
    assert caught.value.errno == errno.EADDRINUSE
    assert f"127.0.0.1:{listener.port}" in str(caught.value.strerror)
    assert "another port" in str(caught.value.strerror)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_ours_raises_oserror_with_its_mend(host: str) -> None:
    with pytest.raises(OSError, match=r"cannot listen on .+:0: .+ \(give bind_address= an address of this machine\)"):
        await Listener(MLLP, Engine(bind_host=host)).run()


UNDECODABLE = Receipt(False, 1, ack("1", "AE"), "AE", reason=RefusalKind.UNDECODABLE.sentence)


@pytest.mark.parametrize(
    ("msh_18", "encoding", "text", "hint"),
    [
        (b"", "utf-8", "not utf-8 at byte", "MSH-18 is empty, so this Connection's encoding was assumed"),
        (b"", "ascii", "not ascii at byte", "set encoding= to what the sender writes"),
        (b"UNICODE UTF-8", "utf-8", "not utf-8 at byte", "what MSH-18 names does not fit either"),
        (b"UNICODE UTF-16", "utf-8", "MSH-18 declares UTF-16", ""),
    ],
)
async def test_a_character_set_that_does_not_fit_is_noted_by_name(
    msh_18: bytes, encoding: str, text: str, hint: str
) -> None:
    content = adt()[:-1].replace(b"2.5.1", b"2.5.1||||||" + msh_18) + b"M\xfcller\r"
    engine = Engine(lambda raw: UNDECODABLE)
    async with listening(MLLPSettings(port=0, encoding=encoding), engine) as listener:
        async with await connect(listener) as peer:
            assert await exchange(peer, content) == ack("1", "AE")

    ((kind, detail, alert),) = engine.notes
    assert (kind, alert) == ("not in its character set", False)
    assert text in detail
    assert hint in detail
    assert "ller" not in detail


async def test_a_port_can_be_listened_on_again_at_once() -> None:
    async with listening(MLLP, Engine()) as listener, await connect(listener) as peer:
        await exchange(peer, adt())
        port = listener.port
    async with listening(MLLPSettings(port=port), Engine()) as listener, await connect(listener) as peer:
        assert await exchange(peer, adt()) == ack()


async def test_accepting_survives_a_lack_of_file_descriptors(monkeypatch: pytest.MonkeyPatch, clock: MockClock) -> None:
    failures = [errno.EMFILE, errno.EMFILE, errno.ECONNABORTED]

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            if failures:
                raise OSError(failures.pop(0), "Too many open files")
            return super().accept()

    async def bind(host: str, port: int) -> list[socket.socket]:
        return [Exhausted(fileno=listener.detach()) for listener in await accepting.bind(host, port)]

    monkeypatch.setattr("messagefoundry_mllp.listener.bind", bind)
    engine = Engine()
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        assert await exchange(peer, adt()) == ack()

    assert engine.notes == [("cannot accept", "Too many open files", True)]


async def test_stopping_closes_idle_peers_at_once() -> None:
    async with listening(MLLP, Engine()) as listener, await connect(listener) as peer:
        await exchange(peer, adt())
        port = listener.port
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream(HOST, port)


async def test_stopping_lets_the_message_in_hand_be_answered_and_takes_no_other() -> None:
    engine = Engine(gate=trio.Event())
    listener = Listener(MLLP, engine)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            running = await nursery.start(partial(_cancellable, listener))
            async with await connect(listener) as idle, await connect(listener) as busy:
                await busy.send_all(framed(adt("1")) + framed(adt("2")))
                await engine.until(lambda: engine.received != [])
                running.cancel()
                assert await read_all(idle) == b""
                assert engine.gate is not None
                engine.gate.set()
                assert await read_all(busy) == framed(ack("1"))

    assert engine.received == [adt("1")]


async def test_stopping_does_not_wait_for_ever(clock: MockClock) -> None:
    engine = Engine(gate=trio.Event())
    async with listening(MLLP, engine) as listener:
        peer = await connect(listener)
        await peer.send_all(framed(adt()))
        await engine.until(lambda: engine.received != [])

    async with peer:
        assert await read_all(peer) == b""


async def _cancellable(listener: Listener, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(lambda task_status: listener.run(task_status=task_status))
            task_status.started(scope)


async def test_an_oversize_frame_is_answered_from_its_header_and_the_connection_closed() -> None:
    engine = Engine()
    async with listening(MLLPSettings(port=0, max_frame_bytes=1000), engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(framed(adt("big", size=3_000_000)))
            assert await read_all(peer) == framed(ack("big", "AE"))
        async with await connect(listener) as peer:
            assert await exchange(peer, adt()) == ack()

    (head, refusal), *others = engine.refused
    assert not others
    assert head == adt("big", size=3_000_000)[:1000]
    assert refusal.kind is RefusalKind.TOO_LARGE
    assert engine.kinds() == ["frame refused"]


async def _send_until_closed(peer: trio.SocketStream, data: bytes) -> None:
    try:
        await peer.send_all(data)
    except trio.BrokenResourceError:
        return


async def test_a_frame_left_incomplete_times_out_and_an_idle_connection_does_not(clock: MockClock) -> None:
    engine = Engine()
    async with listening(MLLPSettings(port=0, receive_timeout=1), engine) as listener:
        async with await connect(listener) as idle, await connect(listener) as stalled:
            await exchange(stalled, adt("0"))
            await stalled.send_all(b"\x0bMSH|")
            assert await read_all(stalled) == b""
            assert await exchange(idle, adt("1")) == ack("1")

    assert engine.kinds() == ["peer too slow"]


async def test_the_timeout_counts_from_the_first_byte_however_slowly_the_rest_drips(clock: MockClock) -> None:
    engine = Engine()
    async with listening(MLLPSettings(port=0, receive_timeout=1), engine) as listener:
        async with await connect(listener) as peer, trio.open_nursery() as nursery:
            nursery.start_soon(_drip, peer)
            await engine.noted("peer too slow")
            nursery.cancel_scope.cancel()


async def test_each_frame_has_its_own_time(mock_clock: MockClock) -> None:
    async with listening(MLLPSettings(port=0, receive_timeout=1), Engine()) as listener:
        async with await connect(listener) as peer:
            for number in range(3):
                whole = framed(adt(str(number)))
                await peer.send_all(whole[:20])
                await trio.testing.wait_all_tasks_blocked()
                mock_clock.jump(0.1)
                await peer.send_all(whole[20:])
                assert await read_frame(peer) == ack(str(number))
                mock_clock.jump(0.1)
                await peer.send_all(whole[:20])
                await trio.testing.wait_all_tasks_blocked()
                mock_clock.jump(0.9)
                await peer.send_all(whole[20:])
                assert await read_frame(peer) == ack(str(number))


async def _drip(peer: trio.SocketStream) -> None:
    await peer.send_all(b"\x0b")
    while True:
        with trio.move_on_after(0.3):
            await trio.sleep_forever()
        await _send_until_closed(peer, b"x")


async def test_a_peer_that_takes_no_replies_is_dropped(clock: MockClock) -> None:
    reply = b"x" * 4_000_000
    engine = Engine(lambda raw: Receipt(True, reply=reply, code="AA"))
    async with listening(MLLPSettings(port=0, receive_timeout=1), engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(framed(adt()) * 3)
            await engine.noted("peer too slow")


async def test_a_peer_beyond_max_connections_is_closed_noted_and_alerted() -> None:
    engine = Engine()
    async with listening(MLLPSettings(port=0, max_connections=1), engine) as listener:
        async with await connect(listener) as first, await connect(listener) as second:
            await exchange(first, adt("1"))
            assert await read_all(second) == b""
            assert await exchange(first, adt("2")) == ack("2")
        detail, alert = await engine.noted("peer refused")
        assert "max_connections = 1" in detail
        assert alert
        await trio.testing.wait_all_tasks_blocked(0.01)
        async with await connect(listener) as next_peer:
            assert await exchange(next_peer, adt("3")) == ack("3")


@pytest.mark.parametrize("networks", [["127.0.0.0/8"], ["10.0.0.0/8", "127.0.0.1/32"], []])
async def test_a_peer_of_an_allowed_network_is_welcome(networks: list[str]) -> None:
    engine = Engine(source_ip_allowlist=tuple(map(ip_network, networks)))
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        assert await exchange(peer, adt()) == ack()


async def test_a_peer_of_another_network_is_closed_and_noted() -> None:
    engine = Engine(source_ip_allowlist=(ip_network("10.0.0.0/8"), ip_network("::1/128")))
    async with listening(MLLP, engine) as listener, await connect(listener) as peer:
        assert await read_all(peer) == b""

    assert [(kind, alert) for kind, _, alert in engine.notes] == [("peer refused", False)]


async def test_messages_over_the_rate_are_refused_and_the_connection_stays() -> None:
    engine = Engine()
    settings = MLLPSettings(port=0, max_messages_per_second=0.001, message_burst=2)
    async with listening(settings, engine) as listener, await connect(listener) as peer:
        codes = [await exchange(peer, adt(str(number))) for number in range(4)]

    assert codes == [ack("0"), ack("1"), ack("2", "AE"), ack("3", "AE")]
    assert [refusal.kind for _, refusal in engine.refused] == [RefusalKind.RATE_LIMIT] * 2
    assert len(engine.received) == 2


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, b"\x02hello\x03"),
        ({"framing": "vt_fs"}, b"\x0bhello\x1c"),
        ({"framing": "mllp"}, b"\x0bhello\x1c\r"),
        ({"start": b"", "end": "\n"}, b"hello\n"),
        ({"start": 1, "end": 4, "trailer": "\r\n"}, b"\x01hello\x04\r\n"),
    ],
)
async def test_raw_tcp_is_cut_as_its_framing_says(options: dict[str, object], sent: bytes) -> None:
    def answered(raw: bytes) -> Receipt:
        return Receipt(True, 1, reply=b"ok" if raw == b"last" else None)

    settings = TcpSettings.model_validate({"port": 0, **options})
    engine = Engine(answered)
    framing = settings.block_format()
    async with listening(settings, engine) as listener, await connect(listener) as peer:
        await peer.send_all(sent * 2 + framing.wrap(b"last"))
        assert await read_exactly(peer, len(framing.wrap(b"ok"))) == framing.wrap(b"ok")

    assert engine.received == [b"hello", b"hello", b"last"]
