"""What the network may ask for: only to look, and only under this machine's own names."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.api.serve import Pages
from messagefoundry.contracts.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.api.served import ServedWorld


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "10.0.0.1", "", "127.0.0.1.evil.example", "[::"])
async def test_a_foreign_host_is_refused(world: ServedWorld, host: str) -> None:
    world.simple()
    async with world.serving() as served:
        answer = await served.pages.get("/messages", headers={"Host": host})
        assert answer.status_code in (400, 421)
        assert "messages" not in answer.json()
        assert (await served.control.get("/messages", headers={"Host": "anything"})).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1", "127.8.8.8:1", "[::1]:8765"])
async def test_this_machine_s_names_are_known_on_any_port(world: ServedWorld, host: str) -> None:
    world.simple()
    async with world.serving() as served:
        assert (await served.pages.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("page", ["/messages/replay", "/config/reload", "/connections/OB/stop", "/health"])
async def test_nothing_can_be_changed(world: ServedWorld, method: str, page: str) -> None:
    world.simple()
    async with world.serving() as served:
        answer = await served.pages.request(method, page, json={"ids": [1]})
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
        assert served.engine.connections["OB"].state == "running"


async def test_changing_pages_are_not_even_there(world: ServedWorld) -> None:
    world.simple()
    async with world.serving() as served:
        assert (await served.pages.get("/config/reload")).status_code == 404
        assert (await served.control.get("/config/reload")).status_code == 405
        head = await served.pages.head("/messages")
        assert (head.status_code, head.content) == (200, b"")


async def exchanged(world: ServedWorld, request: bytes) -> bytes:
    """What the server sends back for raw bytes until it closes, and proof that it goes on serving."""
    async with world.serving() as served:
        port = int(served.engine.api_address.rpartition(":")[2])
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            with trio.fail_after(8):
                await stream.send_all(request)
                answer = b"".join([chunk async for chunk in stream])
        assert (await served.get("/health")) == {"status": "ok"}
        return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01 is no HTTP\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /health HTTP/1.0\r\n\r\n", b"421"),
        (
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            b"400",
        ),
    ],
)
async def test_what_is_no_proper_request_harms_nobody(world: ServedWorld, request_: bytes, status: bytes) -> None:
    world.simple()
    answer = await exchanged(world, request_)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"hypercorn" not in answer.lower()


async def test_off_loopback_nothing_is_served_and_the_engine_runs(
    world: ServedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.simple()
    async with world.serving(api_host="0.0.0.0") as served:
        assert served.engine.api_address == ""
        assert (await served.control.get("/health")).status_code == 200
        with pytest.raises(ConfigurationError, match=r"host = \"127\.0\.0\.1\""):
            await Pages(served.engine).run(task_status=trio.TASK_STATUS_IGNORED)
    assert "loopback only" in caplog.text


async def test_ipv6_loopback(world: ServedWorld) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    world.simple()
    async with world.serving(api_host="::1") as served:
        if not served.engine.api_address:
            pytest.skip("::1 cannot be bound here")
        assert served.engine.api_address.startswith("http://[::1]:")
        assert await served.get("/health") == {"status": "ok"}


async def test_without_a_port_only_the_socket_is_served(world: ServedWorld) -> None:
    world.simple()
    async with world.serving(api_port=None) as served:
        assert served.engine.api_address == ""
        assert (await served.control.get("/health")).status_code == 200
