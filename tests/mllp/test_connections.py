"""Connections over a long time, half of them closed, to names with several addresses, and with large messages."""

from __future__ import annotations

import socket
import ssl
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts import Delivered, Unreachable
from messagefoundry.message import AcknowledgmentMode
from messagefoundry_mllp.framing import MLLP_FRAMING, Framer
from messagefoundry_mllp.replies import Acknowledgments
from messagefoundry_mllp.sender import Sender, mllp_sender
from messagefoundry_mllp.settings import MLLPSettings
from messagefoundry_mllp.wire import PlainWire

from .world import (
    HOST,
    Engine,
    ack,
    adt,
    answer_all,
    connect,
    exchange,
    framed,
    item,
    listening,
    partner,
    read_all,
    read_exactly,
)

if TYPE_CHECKING:
    from trio.testing import MockClock

    from .certificates import Authority

# -- half-closed sockets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("goodbye", [False, True], ids=["FIN alone", "close_notify"])
async def test_a_half_closed_peer_gets_its_acks_over_tls_too(authority: Authority, goodbye: bool) -> None:
    certificate, key = authority.issue()
    settings = MLLPSettings(port=0, tls=True, tls_cert_file=certificate, tls_key_file=key)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=authority.ca_file)
    tls = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    async with listening(settings, Engine()) as listener, await connect(listener) as peer:
        while not _done(tls.do_handshake):
            await peer.send_all(outgoing.read())
            incoming.write(await peer.receive_some())
        tls.write(framed(adt("1")) + framed(adt("2")))
        if goodbye:
            assert not _done(tls.unwrap)
        await peer.send_all(outgoing.read())
        await peer.send_eof()
        incoming.write(await read_all(peer))

    assert tls.read(10_000) == framed(ack("1"))
    assert tls.read(10_000) == framed(ack("2"))


def _done(step: Any) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


# -- feeds that are quiet for hours stay connected -------------------------------------------------------------------

HOURS = 12 * 3600.0


async def test_a_feed_that_is_quiet_for_hours_stays_connected(mock_clock: MockClock) -> None:
    engine = Engine()
    async with listening(MLLPSettings(port=0), engine, within=4 * HOURS) as listener, await connect(listener) as peer:
        for number in range(3):
            assert await exchange(peer, adt(str(number))) == ack(str(number))
            mock_clock.jump(HOURS)
            await trio.testing.wait_all_tasks_blocked()

    assert engine.notes == []


async def test_a_sender_that_may_stays_connected_over_quiet_hours(mock_clock: MockClock) -> None:
    async with (
        partner(answer_all, within=4 * HOURS) as server,
        mllp(server.port, idle_timeout_seconds=86_400) as sender,
    ):
        for number in range(2):
            assert isinstance(await sender.send(item(adt(str(number)))), Delivered)
            mock_clock.jump(HOURS)
            await trio.testing.wait_all_tasks_blocked()
        assert server.connections == 1


@pytest.mark.parametrize("answers_after", [0.0, 1.5])
async def test_a_sender_leaves_a_quiet_connection_after_its_idle_timeout(
    clock: MockClock, answers_after: float
) -> None:
    left = trio.Event()

    async def script(stream: trio.abc.Stream) -> None:
        await read_exactly(stream, len(framed(adt())))
        await trio.sleep(answers_after)
        await stream.send_all(framed(ack()))
        await read_all(stream)
        left.set()

    clock.jump(1e6)  # as the clock of a machine that has been up for long
    async with partner(script) as server, mllp(server.port, idle_timeout_seconds=1, timeout_seconds=600) as sender:
        assert isinstance(await sender.send(item()), Delivered)
        with trio.fail_after(1.1):
            await left.wait()


async def test_tcp_keepalive_is_on_at_both_sides() -> None:
    async with listening(MLLPSettings(port=0), Engine()) as listener, mllp(listener.port) as sender:
        assert isinstance(await sender.send(item()), Delivered)
        (conversation,) = listener._conversations
        for wire in (conversation._wire, sender._link._wire):
            assert isinstance(wire, PlainWire)
            assert wire._socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            # A vanished peer is found within two minutes of idleness: 60 s, then 4 probes 15 s apart.
            assert [wire._socket.getsockopt(socket.IPPROTO_TCP, option) for option in _PROBING] == [60, 15, 4]


_PROBING = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)


def mllp(port: int, *, host: str = HOST, **options: object) -> Sender:
    return mllp_sender(MLLPSettings.model_validate({"host": host, "port": port, **options}), Engine())


# -- a name with two addresses ---------------------------------------------------------------------------------------

DEAD = "127.0.0.2"


class Resolver(trio.abc.HostnameResolver):
    """A name server that knows one name."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def getaddrinfo(
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (address, port)) for address in self._addresses]

    async def getnameinfo(self, sockaddr: Any, flags: Any) -> tuple[str, str]:
        raise NotImplementedError


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "answers nothing"])
async def test_the_second_address_of_a_name_is_used_when_the_first_is_dead(silent: bool) -> None:
    trio.socket.set_custom_hostname_resolver(Resolver(DEAD, HOST))
    async with partner(answer_all) as server, mllp(server.port, host="lab.example.org", connect_timeout=5) as sender:
        full = filled_backlog(server.port) if silent else []
        outcome = await sender.send(item())
        for each in full:
            each.close()
    assert isinstance(outcome, Delivered)
    assert outcome.peer == f"{HOST}:{server.port}"


async def test_a_name_whose_addresses_are_all_dead_is_unreachable() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver(DEAD, "127.0.0.3"))
    with socket.create_server((HOST, 0)) as taken:
        async with mllp(taken.getsockname()[1], host="lab.example.org") as sender:
            with pytest.raises(Unreachable, match=r"^lab\.example\.org:\d+: Connection refused$") as caught:
                await sender.send(item())
    assert not caught.value.outcome_unknown


def filled_backlog(port: int) -> list[socket.socket]:
    """A listener that accepts nobody, and as many peers as its backlog takes: a further one gets no answer."""
    server = socket.create_server((DEAD, port), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex((DEAD, port))
    return [server, *fillers]


# -- connections that take nothing -----------------------------------------------------------------------------------


async def test_a_partner_whose_connections_take_no_byte_is_given_up_at_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = trio.open_tcp_stream

    async def broken(host: str, port: int) -> trio.SocketStream:
        stream = await connected(host, port)
        stream.socket.shutdown(socket.SHUT_WR)
        return stream

    monkeypatch.setattr(trio, "open_tcp_stream", broken)
    async with partner(answer_all) as server, mllp(server.port) as sender:
        with pytest.raises(Unreachable, match="Broken pipe") as caught:
            await sender.send(item())
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert not caught.value.outcome_unknown, "nothing was written"
    assert server.connections == 2


# -- a message of 5 MB -----------------------------------------------------------------------------------------------


def test_a_large_message_costs_time_linear_in_its_size() -> None:
    small, large = (min(seconds_for(size) for _ in range(3)) for size in (1 << 20, 32 << 20))
    assert large < small * 32 * 8, "a busy machine's caches cost something; a square would be 32 * 32"


def seconds_for(size: int) -> float:
    """Processor time to cut, judge, answer, and frame again a message of `size` bytes, nearly all in its OBX-5."""
    content = b"MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5.1\rOBX|1|ED|1||" + b"QUJD" * (size // 4) + b"\r"
    frame = framed(content)
    replies = Acknowledgments({}, verify=True, note=Engine().note)
    framer = Framer(MLLP_FRAMING, 2 * size)
    began = process_time()
    for start in range(0, len(frame), 65_536):
        framer.receive(frame[start : start + 65_536])
        cut = framer.next_frame()
    assert cut == content
    summary = HL7V2.summarize(cut, encoding="utf-8")
    HL7V2.acknowledge(cut, summary, None, AcknowledgmentMode.ORIGINAL, control_id=b"1", timestamp=b"20260101")
    replies.expect(1, cut)
    assert MLLP_FRAMING.carries(cut)
    MLLP_FRAMING.wrap(cut)
    return process_time() - began
