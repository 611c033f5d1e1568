"""Many callers, batches ahead of one another, and a network that breaks: what is durable is what was handed on."""

from __future__ import annotations

from contextlib import closing
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.pipeline import batches
from messagefoundry.pipeline import committer as committing
from messagefoundry.pipeline.committer import Committer
from messagefoundry_postgres import writing
from messagefoundry_postgres.factory import POSTGRES
from tests.pipeline.callers import Caller, submit_in_order

if TYPE_CHECKING:
    from messagefoundry.contracts.stores import StoreLocation
    from tests.postgres.proxy import Proxy

CALLERS = 60
TURNS = 8


async def break_now_and_then(proxy: Proxy, chance: Random) -> None:
    """Cut connections, and lose requests or answers."""
    while True:
        await trio.sleep(chance.uniform(0.05, 0.3))
        await trio.to_thread.run_sync(chance.choice((proxy.cut_once, proxy.lose_answers, proxy.lose_requests)))


@pytest.mark.parametrize("seed", range(2))
async def test_durable_is_what_was_handed_on(
    far: StoreLocation, location: StoreLocation, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(committing, "WATCH_SECONDS", 0.001)
    monkeypatch.setattr(committing, "RETRY_SECONDS", (0.001, 0.01))
    monkeypatch.setattr(batches, "AHEAD_FROM_SECONDS", 0)
    monkeypatch.setattr(writing, "PAUSES", (0.01,))
    monkeypatch.setattr(writing, "FORGET_EVERY", 16)
    proxy.delay = 0.002
    with closing(POSTGRES.open(far, Plaintext())) as store, trio.fail_after(90):
        committer, handed_on = Committer(store), list[int]()
        callers = [Caller(committer, handed_on, Random(seed * CALLERS + n), TURNS) for n in range(CALLERS)]
        async with trio.open_nursery() as nursery:
            await nursery.start(committer.run)
            nursery.start_soon(break_now_and_then, proxy, Random(seed))
            async with trio.open_nursery() as crowd:
                crowd.start_soon(submit_in_order, committer, handed_on, 400)
                for caller in callers:
                    crowd.start_soon(caller.work)
            await committer.drained()
            nursery.cancel_scope.cancel()
    with closing(POSTGRES.reader(location, Plaintext())) as reader:
        durable = sorted(row.id for row in reader.messages(MessageQuery(limit=CALLERS * TURNS + 400)))
    assert handed_on == sorted(set(handed_on)), "once each, in the order of ids"
    assert handed_on == durable
    assert committer.waiting == 0
