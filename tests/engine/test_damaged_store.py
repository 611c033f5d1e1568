"""A store that breaks under a running engine: the engine says so, stays, and does not wait for it at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from messagefoundry.alerts import buildup
from messagefoundry.contracts.errors import CorruptStore, StoreUnavailable
from messagefoundry_sql import SqlStore
from tests.acceptance.fault_store import overwrite_pages
from tests.engine.world import World, adt, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from messagefoundry.contracts.units import Unit


async def test_an_engine_outlives_the_damage_of_its_store(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(buildup, "CHECK_SECONDS", 0.01)
    sender, partner = world.simple()
    async with world.running() as engine:
        for number in range(20):
            await sender.send(adt(str(number)))
        await partner.has(20)
        await until(lambda: not engine.committer.waiting)
        overwrite_pages(world.folder / "engine.db")
        refused = await sender.send(adt("refused"))
        await until(lambda: "backlogs are not watched" in caplog.text)
        again = await sender.send(adt("again"))
        assert isinstance(engine.committer.outage, CorruptStore)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 8, "what will not mend itself is not waited for"
    assert [(receipt.accepted, receipt.code, receipt.retry) for receipt in (refused, again)] == [
        (False, "AE", True)
    ] * 2
    assert len(partner.delivered) == 20


async def test_an_outage_that_nobody_waits_for_ends_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its only sender has been answered, and lanes wait for the store: something must ask it again."""
    sender, _ = world.simple()
    really, away = SqlStore.commit, True

    def commit(store: SqlStore, units: Sequence[Unit]) -> None:
        if away:
            raise StoreUnavailable("gone")
        really(store, units)

    monkeypatch.setattr("messagefoundry.pipeline.intake.STORE_PATIENCE_SECONDS", 0.1)
    async with world.running() as engine:
        await until(lambda: engine.quiet)
        monkeypatch.setattr(SqlStore, "commit", commit)
        assert (await sender.send(adt("1"))).code == "AE"
        assert engine.committer.outage is not None
        away = False
        await until(lambda: engine.committer.outage is None)
    events = world.read(lambda reader: reader.connection_events("store", 10))
    assert [event.kind for event in events] == ["cannot commit", "commits again"]
