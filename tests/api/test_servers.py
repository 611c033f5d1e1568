"""The two servers themselves: made, watched over, ended."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from hypercorn.trio.tcp_server import TCPServer

from messagefoundry.api import answering
from messagefoundry.api.control_socket import control_address, is_owner, listening
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.specs import BlueprintSpec
from messagefoundry.pipeline import supervision
from messagefoundry.plugins import Installed, installed
from messagefoundry.plugins.registry import Plugin, Registered
from tests.engine.world import adt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.served import Served, ServedWorld


async def answering_again(served: Served) -> None:
    """Wait until the pages are served."""
    with trio.fail_after(5):
        while not served.engine.api_address:
            await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_busy_port_is_told_and_tried_again_while_messages_flow(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_SECONDS", 0.05)
    sender, partner = world.simple()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        async with world.serving(api_port=port) as served:
            assert served.engine.api_address == ""
            assert (await served.control.get("/health")).status_code == 200
            await sender.send(adt("1"))
            await partner.has(1)
            busy.close()
            await answering_again(served)
            assert served.engine.api_address == f"http://127.0.0.1:{port}"
    assert "HTTP pages ended" in caplog.text
    mend = "the port is in use (serve --port N, or [api] port)"
    assert f"cannot serve HTTP pages on 127.0.0.1:{port}: {mend}" in caplog.text
    events = world.read(lambda reader: reader.connection_events("HTTP pages", 10))
    assert {event.kind for event in events} == {"crashed", "started"}


async def test_the_socket_is_its_owner_s_and_goes_with_the_engine(world: ServedWorld) -> None:
    world.simple()
    async with world.serving() as served:
        found = os.lstat(world.socket)
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert served.engine.control_path == world.socket
    assert not is_there(world.socket)


def test_nobody_can_connect_before_the_mode_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "s")

    def chmod(where: str, mode: int) -> None:
        with socket.socket(socket.AF_UNIX) as early, pytest.raises(ConnectionRefusedError):
            early.connect(where)
        os_chmod(where, mode)

    os_chmod = os.chmod
    monkeypatch.setattr(os, "chmod", chmod)
    listening(path).close()
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600


async def test_a_dead_engine_s_socket_is_replaced(world: ServedWorld) -> None:
    world.simple()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(world.socket)
    async with world.serving() as served:
        assert (await served.control.get("/health")).status_code == 200


def put(path: Path) -> None:
    path.write_text("precious")


def is_untouched(path: Path) -> bool:
    return path.read_text() == "precious"


def is_there(path: str) -> bool:
    return os.path.lexists(path)


async def test_something_else_in_the_way_is_left_alone(world: ServedWorld, caplog: pytest.LogCaptureFixture) -> None:
    sender, partner = world.simple()
    in_the_way = Path(world.socket)
    put(in_the_way)
    async with world.serving() as served:
        assert served.engine.control_path == ""
        await sender.send(adt("1"))
        await partner.has(1)
        assert await served.get("/health") == {"status": "ok"}
    assert is_untouched(in_the_way)
    assert "is in the way of the control socket (move it away)" in caplog.text


async def test_a_path_of_any_length(world: ServedWorld) -> None:
    world.folder = world.folder / ("d" * 100) / ("e" * 100)
    world.folder.mkdir(parents=True)
    world.simple()
    before = set(os.listdir("/proc/self/fd"))
    async with world.serving() as served:
        assert len(control_address(world.socket)) < 107
        assert (await served.control.get("/health")).status_code == 200
    assert not is_there(world.socket)
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 2  # the clients' own folders; the engine keeps none


def test_a_name_that_fits_nowhere(tmp_path: Path) -> None:
    for refused in (control_address, listening):
        with pytest.raises(ConfigurationError, match="shorter path"):
            refused(str(tmp_path / ("n" * 120)))


def test_an_address_is_the_path_where_it_fits() -> None:
    assert control_address("messagefoundry.db.sock") == "messagefoundry.db.sock"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_refused_whatever_the_mode(world: ServedWorld) -> None:
    world.simple()
    with TemporaryDirectory(dir="/tmp") as folder:
        world.folder = Path(folder)
        os.chmod(folder, 0o755)
        async with world.serving() as served:
            await served.engine.committer.drained()
            os.chmod(world.socket, 0o666)
            with acting_as(4711):
                theirs = connected(world.socket)
            async with trio.SocketStream(trio.socket.from_stdlib_socket(theirs)) as stream:
                with trio.fail_after(5):
                    assert await stream.receive_some() == b""
            assert (await served.control.get("/health")).status_code == 200


def connected(path: str) -> socket.socket:
    """A connection to a socket, made without letting anything else run in between."""
    theirs = socket.socket(socket.AF_UNIX)
    theirs.connect(path)
    return theirs


@contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Be another user, as far as the system is concerned, within the block."""
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_owner_is_known_by_the_system_s_word(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = socket.socketpair(socket.AF_UNIX)
    with left, right:
        assert is_owner(left)
        monkeypatch.setattr(
            "messagefoundry.api.control_socket.struct.unpack", lambda form, data: (1, os.geteuid() + 4711, 0)
        )
        assert not is_owner(left)


async def test_a_server_that_breaks_is_started_again(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_SECONDS", 0.05)
    sender, partner = world.simple()
    real, broken = trio.serve_listeners, [True, True]

    async def serve_listeners(*args: Any, **options: Any) -> None:
        if broken:
            broken.pop()
            raise RuntimeError("DOE^JANE")
        await real(*args, **options)

    monkeypatch.setattr(trio, "serve_listeners", serve_listeners)
    async with world.serving() as served:
        await sender.send(adt("1"))
        await partner.has(1)
        with trio.fail_after(5):
            while not (served.engine.api_address and served.engine.control_path) or broken:
                await trio.testing.wait_all_tasks_blocked(0.01)
        async with world.clients(served.engine) as again:
            assert await again.get("/health") == {"status": "ok"}
            assert (await again.control.get("/health")).status_code == 200
    assert "DOE" not in caplog.text


async def test_one_connection_s_fault_ends_no_other(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.simple()
    async with world.serving() as served:

        def broken(*args: Any) -> Any:
            monkeypatch.setattr(answering, "TCPServer", TCPServer)
            raise RuntimeError("DOE^JANE")

        address = served.engine.api_address
        monkeypatch.setattr(answering, "TCPServer", broken)
        port = int(address.rpartition(":")[2])
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            assert await stream.receive_some() == b""
        assert await served.get("/health") == {"status": "ok"}
        assert served.engine.api_address == address
    assert "an HTTP connection ended: RuntimeError" in caplog.text
    assert "DOE" not in caplog.text


async def test_too_many_connections_are_closed(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MOST_CONNECTIONS", 2)
    world.simple()
    async with world.serving() as served:
        port = int(served.engine.api_address.rpartition(":")[2])
        streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
        with trio.fail_after(3):
            assert await streams[2].receive_some() == b""
        await streams[2].aclose()
        await streams[0].send_all(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert (await streams[0].receive_some()).startswith(b"HTTP/1.1 200")
        for stream in streams[:2]:
            await stream.aclose()


async def test_the_engine_stops_whatever_its_clients_do(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(answering, "GRACE_SECONDS", 0.2)
    sender, _ = world.simple()
    async with trio.open_nursery() as nursery:
        async with world.serving() as served:
            for number in range(50):
                await sender.send(adt(str(number)))
            idle, asking, deaf = [await trio.open_unix_socket(control_address(world.socket)) for _ in range(3)]
            await asking.send_all(b"POST /messages/replay HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{")
            nursery.start_soon(deaf.send_all, b"GET /messages HTTP/1.1\r\nHost: a\r\n\r\n" * 5000)
            await trio.testing.wait_all_tasks_blocked(0.1)
            assert served.engine.connections["OB"].state == "running"
            began = trio.current_time()
        assert trio.current_time() - began < 3
        nursery.cancel_scope.cancel()
    for stream in (idle, asking, deaf):
        await stream.aclose()


async def test_idle_clients_are_not_waited_for(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "GRACE_SECONDS", 60)
    world.simple()
    with trio.fail_after(10):
        async with world.serving() as served:
            stream = await trio.open_tcp_stream("127.0.0.1", int(served.engine.api_address.rpartition(":")[2]))
            await stream.send_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
    await stream.aclose()


def broken_plugin() -> Installed:
    """What is installed, and a plugin whose pages cannot be imported."""
    spec = BlueprintSpec("theirs", "tests.api.nowhere:blueprint")
    found = installed()
    theirs = Registered(spec, Plugin("theirs", "their-plugin", "1", 1))
    return Installed(plugins=found.plugins, blueprints={"theirs": theirs, **found.blueprints})


async def test_pages_that_cannot_be_imported_take_no_others_down(
    world: ServedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.plugins = broken_plugin()
    world.simple()
    async with world.serving() as served:
        assert await served.get("/health") == {"status": "ok"}
    assert "the pages theirs of their-plugin are not served: ModuleNotFoundError" in caplog.text
