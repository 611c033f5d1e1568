"""The watchdog names the code that kept the event loop from turning, and nobody for it that did not."""

from __future__ import annotations

import ctypes
import logging
import time
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.pipeline.watchdog import ENGINE, HELD_SECONDS, PAUSE_SECONDS
from messagefoundry.wiring.values import Send
from tests.engine.world import World, adt, until

if TYPE_CHECKING:
    import pytest

    from messagefoundry.contracts.stores import ConnectionEvent

HOLD_SECONDS = 1.3
LIBC = ctypes.PyDLL(None)
"""Called like this, C functions keep the interpreter's lock, as a careless C extension does."""


def keep_the_lock(seconds: float) -> None:
    LIBC.usleep(int(seconds * 1_000_000))


def holds(world: World, connection: str) -> list[ConnectionEvent]:
    events: list[ConnectionEvent] = world.read(lambda reader: reader.connection_events(connection, 50))
    return [event for event in events if event.kind == "event loop held"]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    return [text for text in texts if "event loop" in text and " of IB ran" in text]


async def test_a_handler_and_a_router_that_keep_the_interpreters_lock_are_named_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> Send:
        if msg["MSH-10"] == "HOLD":
            keep_the_lock(HOLD_SECONDS)
        return Send("OB", msg)

    world.handler(handle)
    world.router(lambda msg: keep_the_lock(HOLD_SECONDS) if msg["MSH-10"] == "ROUTER" else "handle")
    with caplog.at_level(logging.INFO):
        async with world.running():
            for number, name in enumerate(("BEFORE", "HOLD", "AFTER"), 1):
                await sender.send(adt(name, text="DOE^JANE"))
                await partner.has(number)
            await until(lambda: len(holds(world, "IB")) == 1)
            await sender.send(adt("ROUTER"))
            await until(lambda: len(holds(world, "IB")) == 2)
    event, other = sorted(holds(world, "IB"), key=lambda event: event.id)
    assert "while Router 'route' of IB ran" in other.detail
    seconds = float(event.detail.removeprefix("for ").partition(" s ")[0])
    assert HELD_SECONDS <= seconds < HOLD_SECONDS + 5
    assert "while Handler 'handle' of IB ran: " in event.detail
    assert "process of its own" in event.detail
    line, _ = lines(caplog)
    assert line == f"IB: event loop held: {event.detail}"
    assert "DOE" not in caplog.text


async def test_a_loop_that_is_held_by_nobodys_handler_is_told_while_it_lasts_and_after(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.simple()
    with caplog.at_level(logging.INFO):
        async with world.running():
            time.sleep(1.6)  # noqa: ASYNC251 - what a plugin must not do
            released = time.time()
            await until(lambda: bool(holds(world, ENGINE)))
    (event,) = holds(world, ENGINE)
    assert "no Router or Handler ran then" in event.detail
    said = {record.getMessage(): record.created for record in caplog.records if "event loop" in record.getMessage()}
    assert f"{ENGINE}: event loop held: {event.detail}" in said
    (meanwhile,) = (at for text, at in said.items() if text.startswith("the event loop has not turned for "))
    assert meanwhile < released, "whoever looks at the log of an engine that hangs finds it there"


async def test_a_handler_that_burns_time_in_python_is_not_accused(world: World) -> None:
    sender, partner = world.simple()

    def handle(msg: Any) -> Send:
        end = time.monotonic() + HOLD_SECONDS
        while time.monotonic() < end:
            sum(range(1000))
        return Send("OB", msg)

    world.handler(handle)
    longest, last = 0.0, time.monotonic()
    async with world.running():
        await sender.send(adt("1"))
        with trio.fail_after(20):
            while not partner.delivered:  # noqa: ASYNC110 - it measures how long a turn of the loop takes
                await trio.sleep(0.01)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
        await trio.sleep(3 * PAUSE_SECONDS)  # it would have spoken by now
    assert longest >= HELD_SECONDS / 2 or not holds(world, "IB")
    assert longest < HOLD_SECONDS, "the loop turned while the Handler ran"
