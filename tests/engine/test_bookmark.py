"""Bookmarks: where a source goes on, as the engine keeps it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from messagefoundry.contracts.inbound import LONGEST_BOOKMARK
from messagefoundry.contracts.units import Receive
from tests.engine.world import World, adt, control_id_of, until

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import InboundContext
    from tests.engine.toy import Sender


async def context_of(sender: Sender) -> InboundContext:
    await sender.ready.wait()
    assert sender.context is not None
    return sender.context


async def test_a_bookmark_is_there_after_a_crash_and_belongs_to_its_inbound(world: World) -> None:
    sender, _ = world.simple()
    other = world.inbound("IB2")
    async with world.running(crash=True):
        context = await context_of(sender)
        assert await context.bookmark() == ""
        assert (await context.receive(adt("1"), bookmark="row 1")).accepted
        assert (await context.receive(adt("2"))).accepted
        assert not (await context.receive(b"no message", bookmark="row 2")).accepted
        assert await context.bookmark() == "row 1"
    async with world.running():
        assert await (await context_of(sender)).bookmark() == "row 1"
        assert await (await context_of(other)).bookmark() == ""


async def test_a_receive_that_was_cancelled_is_known_to_the_next_run(world: World) -> None:
    """Its commit goes on; a bookmark that is asked for then comes after it."""
    sender, partner = world.simple()
    async with world.running():
        context = await context_of(sender)
        with trio.CancelScope() as gone:
            gone.cancel()
            await context.receive(adt("1"), bookmark="row 1")
        assert gone.cancelled_caught
        assert await context.bookmark() == "row 1"
        with trio.fail_after(5):
            await partner.has(1)


async def test_a_bookmark_waits_for_a_commit_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender was told to try again, and the commit comes to its end: the message is there once, and known."""
    sender, partner = world.simple()
    monkeypatch.setattr("messagefoundry.pipeline.intake.STORE_PATIENCE_SECONDS", 0.1)
    known: list[str] = []

    async def ask(context: InboundContext) -> None:
        known.append(await context.bookmark())

    async with world.running() as engine:
        context, store = await context_of(sender), engine.committer._batches._store
        commit, inside, release = store.commit, threading.Event(), threading.Event()

        def hanging(units: Any) -> None:
            if any(isinstance(unit, Receive) for unit in units):
                inside.set()
                release.wait(20)
            commit(units)

        monkeypatch.setattr(store, "commit", hanging)
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                receipt = await context.receive(adt("1"), bookmark="row 1")
                assert (receipt.accepted, receipt.retry, inside.is_set()) == (False, True, True)
                nursery.start_soon(ask, context)
                await trio.testing.wait_all_tasks_blocked(0.05)
                assert known == []
                release.set()
            await until(lambda: len(partner.delivered) == 1)
    assert known == ["row 1"]
    assert [control_id_of(raw) for raw in partner.delivered] == ["1"]


@pytest.mark.parametrize("bookmark", ["x" * (LONGEST_BOOKMARK + 1), "\u00e9" * LONGEST_BOOKMARK, "a\0b", "\udcff"])
async def test_a_bookmark_that_a_store_need_not_keep_is_refused(world: World, bookmark: str) -> None:
    sender, _ = world.simple()
    async with world.running():
        with pytest.raises(ValueError, match=r"bookmark|surrogates"):
            await (await context_of(sender)).receive(adt("1"), bookmark=bookmark)
