from __future__ import annotations

import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from messagefoundry.contracts import CredentialFault, Delivered, Unreachable
from messagefoundry_mllp.sender import Sender, mllp_sender
from messagefoundry_mllp.settings import MLLPSettings

from .world import (
    HOST,
    Engine,
    accept,
    ack,
    adt,
    answer_all,
    connect,
    framed,
    item,
    listening,
    partner,
    read_all,
    read_exactly,
    read_frame,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

    from messagefoundry_mllp.listener import Listener

    from .certificates import Authority
    from .world import Script


def inbound(authority: Authority, **options: object) -> MLLPSettings:
    certificate, key = authority.issue()
    given = {"port": 0, "tls": True, "tls_cert_file": certificate, "tls_key_file": key, **options}
    return MLLPSettings.model_validate(given)


def sender(port: int, authority: Authority, **options: object) -> Sender:
    given = {"host": HOST, "port": port, "tls": True, "tls_ca_file": authority.ca_file, "timeout_seconds": 2, **options}
    return mllp_sender(MLLPSettings.model_validate(given), Engine())


def identity(authority: Authority) -> dict[str, str]:
    certificate, key = authority.issue("client.example.org")
    return {"tls_cert_file": certificate, "tls_key_file": key}


@asynccontextmanager
async def client(listener: Listener, authority: Authority) -> AsyncIterator[trio.SSLStream[trio.SocketStream]]:
    context = ssl.create_default_context(cafile=authority.ca_file)
    async with trio.SSLStream(await connect(listener), context, server_hostname=HOST) as stream:
        yield stream


async def test_messages_travel_over_tls_in_both_directions(authority: Authority) -> None:
    engine = Engine()
    async with listening(inbound(authority), engine) as listener, sender(listener.port, authority) as outbound:
        for number, size in enumerate((0, 100, 1_000_000)):
            payload = adt(str(number), size=size)
            assert isinstance(await outbound.send(item(payload, work_id=number)), Delivered)
            assert engine.received[-1] == payload

    assert engine.notes == []


async def test_a_usual_client_is_understood(authority: Authority) -> None:
    async with listening(inbound(authority), Engine()) as listener, client(listener, authority) as stream:
        await stream.send_all(framed(adt("1")) + framed(adt("2")))
        assert await read_exactly(stream, 2 * len(framed(ack("1")))) == framed(ack("1")) + framed(ack("2"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(authority: Authority, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.minimum_version = context.maximum_version = version
    async with listening(inbound(authority), Engine()) as listener:
        async with trio.SSLStream(await connect(listener), context, server_hostname=HOST) as stream:
            await stream.send_all(framed(adt()))
            assert await read_frame(stream) == ack()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_older_versions_are_refused(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    engine = Engine()
    async with listening(inbound(authority), engine) as listener, await connect(listener) as plain:
        with pytest.raises(trio.BrokenResourceError):
            await trio.SSLStream(plain, context, server_hostname=HOST).do_handshake()
        detail, _ = await engine.noted("peer refused")
    assert "TLS handshake failed" in detail


async def test_a_peer_without_tls_is_refused_and_costs_nothing(authority: Authority) -> None:
    engine = Engine()
    async with listening(inbound(authority), engine) as listener:
        async with await connect(listener) as peer:
            await peer.send_all(framed(adt()))
            await read_all(peer)
        detail, _ = await engine.noted("peer refused")
        async with client(listener, authority) as stream:
            await stream.send_all(framed(adt("2")))
            assert await read_frame(stream) == ack("2")

    assert "TLS handshake failed" in detail
    assert engine.received == [adt("2")]


async def test_a_stalled_handshake_times_out_and_blocks_nobody(authority: Authority, clock: MockClock) -> None:
    engine = Engine()
    async with (
        listening(inbound(authority, receive_timeout=1), engine) as listener,
        await connect(listener) as stalled,
    ):
        async with client(listener, authority) as stream:
            await stream.send_all(framed(adt()))
            assert await read_frame(stream) == ack()
        assert engine.notes == []
        assert await read_all(stalled) == b""

    assert engine.notes[0][0] == "peer refused"
    assert "no TLS handshake in time" in engine.notes[0][1]


@pytest.mark.parametrize("reset", [False, True])
async def test_a_health_check_that_says_nothing_is_not_worth_a_note(authority: Authority, reset: bool) -> None:
    engine = Engine()
    async with listening(inbound(authority), engine) as listener:
        peer = await connect(listener)
        if reset:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await peer.aclose()
        async with client(listener, authority) as stream:
            await stream.send_all(framed(adt()))
            assert await read_frame(stream) == ack()

    assert engine.notes == []


async def test_stopping_ends_a_handshake(authority: Authority) -> None:
    async with listening(inbound(authority), Engine()) as listener:
        stalled = await connect(listener)
        await trio.testing.wait_all_tasks_blocked(0.01)
    async with stalled:
        assert await read_all(stalled) == b""


async def test_an_oversize_frame_is_answered_over_tls_too(authority: Authority) -> None:
    async with listening(inbound(authority, max_frame_bytes=1000), Engine()) as listener:
        async with client(listener, authority) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(_send_until_closed, stream, framed(adt("big", size=500_000)))
            assert await read_exactly(stream, len(framed(ack("big", "AE")))) == framed(ack("big", "AE"))


async def _send_until_closed(peer: trio.abc.Stream, data: bytes) -> None:
    try:
        await peer.send_all(data)
    except trio.BrokenResourceError:
        return


async def test_with_a_ca_file_a_listener_wants_a_certificate_of_it(authority: Authority, stranger: Authority) -> None:
    engine = Engine()
    async with listening(inbound(authority, tls_ca_file=authority.ca_file), engine) as listener:
        async with sender(listener.port, authority, **identity(authority)) as known:
            assert isinstance(await known.send(item(adt("known"))), Delivered)
        for options in ({}, identity(stranger)):
            async with sender(listener.port, authority, **options) as unknown:
                with pytest.raises(CredentialFault, match="does not accept our certificate"):
                    await unknown.send(item(adt("unknown", size=3_000_000)))
                with pytest.raises(CredentialFault):
                    await unknown.test()

    assert engine.received == [adt("known")]
    assert set(engine.kinds()) == {"peer refused"}


async def test_test_names_the_version(authority: Authority, clock: MockClock) -> None:
    async with listening(inbound(authority), Engine()) as listener, sender(listener.port, authority) as outbound:
        assert await outbound.test() == f"{HOST}:{listener.port} accepts connections, TLSv1.3"


def tls_partner(authority: Authority, script: Script, *, name: str = HOST, days: int = 30) -> Script:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(name, days=days))

    async def secured(stream: trio.abc.Stream) -> None:
        tls = trio.SSLStream(stream, context, server_side=True)
        try:
            await script(tls)
        except trio.BrokenResourceError:
            return

    return secured


@pytest.mark.parametrize(
    ("name", "days", "options", "reason"),
    [
        (HOST, 30, {}, ""),
        ("other.example.org", 30, {}, "IP address mismatch"),
        ("other.example.org", 30, {"tls_check_hostname": False}, ""),
        (HOST, -1, {}, "expired"),
        (HOST, -1, {"tls_allow_expired": True}, ""),
        ("other.example.org", -1, {"tls_allow_expired": True}, "IP address mismatch"),
        ("other.example.org", -1, {"tls_verify": False}, ""),
    ],
)
async def test_a_partners_certificate_is_verified(
    authority: Authority, name: str, days: int, options: dict[str, object], reason: str
) -> None:
    async with partner(tls_partner(authority, answer_all, name=name, days=days)) as server:
        async with sender(server.port, authority, **options) as outbound:
            if reason:
                with pytest.raises(Unreachable, match=f"certificate does not verify: .*{reason}") as caught:
                    await outbound.send(item())
                assert not caught.value.outcome_unknown
            else:
                assert isinstance(await outbound.send(item()), Delivered)


@pytest.mark.parametrize("options", [{}, {"tls_allow_expired": True}])
async def test_a_partner_of_another_authority_is_unreachable(
    authority: Authority, stranger: Authority, options: dict[str, object]
) -> None:
    async with partner(tls_partner(stranger, answer_all)) as server:
        async with sender(server.port, authority, **options) as outbound:
            with pytest.raises(Unreachable, match="certificate does not verify"):
                await outbound.send(item())


async def test_a_partner_is_told_why_its_certificate_is_refused(authority: Authority, stranger: Authority) -> None:
    reasons = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*stranger.issue())

    async def script(stream: trio.abc.Stream) -> None:
        with pytest.raises(trio.BrokenResourceError) as caught:
            await read_all(trio.SSLStream(stream, context, server_side=True))
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        reasons.append(caught.value.__cause__.reason)
        told.set()

    told = trio.Event()
    async with partner(script) as server, sender(server.port, authority) as outbound:
        with pytest.raises(Unreachable):
            await outbound.send(item())
        await told.wait()

    assert reasons == ["TLSV1_ALERT_UNKNOWN_CA"]


async def test_session_tickets_are_not_bytes_of_a_late_reply(authority: Authority) -> None:
    async with partner(tls_partner(authority, answer_all)) as server, sender(server.port, authority) as outbound:
        for number in range(3):
            assert isinstance(await outbound.send(item(adt(str(number)), work_id=number)), Delivered)
        assert server.connections == 1


async def test_a_second_reply_costs_the_connection_over_tls_too(authority: Authority) -> None:
    sent = trio.Event()

    async def chatty(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1")))
        await stream.send_all(framed(ack("")))
        sent.set()
        await read_all(stream)

    scripts = tls_partner(authority, chatty), tls_partner(authority, answer_all)
    async with partner(*scripts) as server, sender(server.port, authority) as outbound:
        assert isinstance(await outbound.send(item(adt("1"))), Delivered)
        await sent.wait()
        assert isinstance(await outbound.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_a_tls_connection_closed_while_idle_is_replaced(authority: Authority) -> None:
    closed = trio.Event()

    async def once(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(framed(ack("1")))
        await stream.aclose()
        closed.set()

    scripts = tls_partner(authority, once), tls_partner(authority, answer_all)
    async with partner(*scripts) as server, sender(server.port, authority) as outbound:
        assert isinstance(await outbound.send(item(adt("1"))), Delivered)
        await closed.wait()
        assert isinstance(await outbound.send(item(adt("2"), work_id=2)), Delivered)
        assert server.connections == 2


async def test_a_partner_that_breaks_tls_off_leaves_the_outcome_unknown(authority: Authority) -> None:
    async def leaving(stream: trio.abc.Stream) -> None:
        await read_frame(stream)

    async with partner(tls_partner(authority, leaving)) as server, sender(server.port, authority) as outbound:
        with pytest.raises(Unreachable, match="closed the connection before its reply") as caught:
            await outbound.send(item())
    assert caught.value.outcome_unknown


async def test_a_partner_that_speaks_no_tls_is_unreachable(authority: Authority) -> None:
    async def plain(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"220 welcome\r\n")
        await read_all(stream)

    async with partner(plain) as server, sender(server.port, authority) as outbound:
        with pytest.raises(Unreachable, match="TLS: ") as caught:
            await outbound.send(item())
    assert not caught.value.outcome_unknown


async def test_a_partner_that_stalls_the_handshake_is_unreachable(authority: Authority, clock: MockClock) -> None:
    async with partner(read_all_of) as server, sender(server.port, authority, connect_timeout=1) as outbound:
        with pytest.raises(Unreachable, match="did not answer"):
            await outbound.send(item())


async def read_all_of(stream: trio.abc.Stream) -> None:
    await read_all(stream)


async def test_certificates_renewed_on_disk_are_read_with_the_next_attempt(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    async with partner(tls_partner(authority, answer_all)) as server:
        async with sender(server.port, authority, tls_ca_file=str(trusted)) as outbound:
            with pytest.raises(Unreachable, match=r"TLS files .* cannot be used: No such file"):
                await outbound.send(item())
            stranger.authority.cert_pem.write_to_path(trusted)
            with pytest.raises(Unreachable, match="does not verify"):
                await outbound.send(item())
            authority.authority.cert_pem.write_to_path(trusted)
            assert isinstance(await outbound.send(item()), Delivered)


async def test_a_missing_certificate_file_raises_oserror(authority: Authority) -> None:
    from messagefoundry_mllp.listener import Listener

    settings = MLLPSettings(port=0, tls=True, tls_cert_file="/does/not/exist.pem")
    with pytest.raises(OSError, match="No such file"):
        await Listener(settings, Engine(accept)).run()
