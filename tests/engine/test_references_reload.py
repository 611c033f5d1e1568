"""Reference sets across a reload: read before anything changes, kept where nothing does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts.errors import ConfigurationError, StoreUnavailable
from messagefoundry.engine import reference_sync
from messagefoundry.engine.reload import reload
from messagefoundry.wiring.reference_files import FileSettings
from messagefoundry.wiring.reference_sets import UnknownReferenceError
from messagefoundry.wiring.values import Send
from tests.engine.referring import FILE_REF, ReferringWorld, rows, state
from tests.engine.world import adt, until, with_graph

if TYPE_CHECKING:
    from pathlib import Path


BEFORE = "code,npi\nX,before\n"
AFTER = "code,npi\nX,after\nY,new\n"
WAITS = ("waiting", "reference set providers")


@pytest.fixture
def world(tmp_path: Path) -> ReferringWorld:
    return ReferringWorld(tmp_path)


async def test_sets_come_change_and_go_with_a_reload(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE)
    world.file("unchanged", BEFORE)
    async with world.running() as engine:
        unchanged = engine.references.sets["unchanged"]
        (world.folder / "moved.csv").write_text(AFTER)
        world.declare("providers", FILE_REF, FileSettings(path="moved.csv"))
        world.file("added", BEFORE)
        with_graph(engine, world.graph)
        found = await reload(engine)
        assert (found.references_added, found.references) == (("added",), ("providers",))
        assert rows(engine, "added") == {"X": "before"}
        assert engine.references.sets["unchanged"] is unchanged
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
        del world.references["added"]
        with_graph(engine, world.graph)
        found = await reload(engine)
        assert (found.references, found.references_removed) == ((), ("added",))
        with pytest.raises(UnknownReferenceError):
            rows(engine, "added")
        assert sender.starts == 1
    assert partner.delivered == [b"after"]


async def test_a_changed_set_is_read_as_it_is_declared_now_and_no_longer_as_before(world: ReferringWorld) -> None:
    turns: list[int] = []

    def count() -> dict[str, str]:
        turns.append(len(turns))
        return {}

    world.referring()
    file = world.file("providers", BEFORE, refresh_seconds=0.02)
    world.script("turns", count, refresh_seconds=0.02)
    async with world.running() as engine:
        old = engine.references.sets["providers"]
        (world.folder / "moved.csv").write_text(BEFORE)
        world.declare("providers", FILE_REF, FileSettings(path="moved.csv"), refresh_seconds=0.03)
        with_graph(engine, world.graph)
        await reload(engine)
        file.write_text("code,npi\nX,nobody reads this\n")
        (world.folder / "moved.csv").write_text(AFTER)
        await until(lambda: rows(engine)["X"] == "after")
        seen = len(turns)
        await until(lambda: len(turns) > seen + 3)
        assert old.copy is not None
        assert dict(old.copy.values) == {"X": "before"}


async def test_a_new_set_that_cannot_be_read_changes_nothing(
    world: ReferringWorld, caplog: pytest.LogCaptureFixture
) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE)
    async with world.running() as engine:
        graph, kept = engine.graph, world.kept()
        (world.folder / "moved.csv").write_text(AFTER)
        world.declare("providers", FILE_REF, FileSettings(path="moved.csv"))
        world.file("added", BEFORE).unlink()
        with_graph(engine, world.graph)
        with pytest.raises(ConfigurationError) as caught:
            await reload(engine)
        assert str(caught.value) == (
            "added: its source cannot be read, and no copy of it is kept: "
            f"{world.folder / 'added.csv'}: cannot be read: No such file or directory (check its place and permissions)"
        )
        assert engine.graph is graph
        assert (rows(engine), world.kept()) == ({"X": "before"}, kept)
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
    assert partner.delivered == [b"before"]
    assert "nothing has changed: 1 problem" in caplog.text


async def test_a_changed_set_that_cannot_be_read_keeps_its_rows(world: ReferringWorld) -> None:
    world.referring()
    world.file("providers", BEFORE)
    async with world.running() as engine:
        world.declare("providers", FILE_REF, FileSettings(path="nowhere.csv"))
        with_graph(engine, world.graph)
        await reload(engine)
        await until(lambda: world.told()[-1][0] == "not synced")
        assert rows(engine) == {"X": "before"}
        assert state(engine) == ("running", "")


async def test_a_dry_run_reads_and_keeps_nothing(world: ReferringWorld) -> None:
    world.referring()
    async with world.running() as engine:
        world.file("providers", BEFORE)
        with_graph(engine, world.graph)
        assert (await reload(engine, dry_run=True)).references_added == ("providers",)
        assert engine.references.sets == {}
        assert world.kept() is None


async def test_an_inbound_that_asks_for_a_missing_set_after_a_reload_waits_for_it(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    file = world.file("providers", BEFORE)
    file.unlink()
    asking = world.handlers["handle"]
    world.handler(_passing)
    world.aside()
    world.handler(asking.function, "pass")
    async with world.running() as engine:
        assert state(engine, "IB_ASIDE") == WAITS
        assert state(engine) == ("running", "")
        world.handler(asking.function)
        with_graph(engine, world.graph)
        await reload(engine)
        await until(lambda: state(engine) == WAITS)
        file.write_text(BEFORE)
        assert await engine.references.sets["providers"].sync()
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
    assert partner.delivered == [b"before"]


def _passing(msg: Any) -> Send:
    return Send("OB", msg)


async def test_a_removed_inbound_drains_with_the_set_that_went_with_it(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE)
    gate = threading.Event()
    asking = world.handlers["handle"].function

    def slow(msg: Any) -> Any:
        gate.wait()
        return asking(msg)

    world.handler(slow)
    async with world.running() as engine:
        receipts = [await sender.send(adt(str(number))) for number in range(3)]
        world.aside()
        for declared, name in ((world.inbounds, "IB"), (world.references, "providers")):
            del declared[name]
        with_graph(engine, world.graph)
        await reload(engine)
        gate.set()
        with trio.fail_after(5):
            await partner.has(3)
        for receipt in receipts:
            await world.becomes(receipt.message_id, "PROCESSED")
    assert partner.delivered == [b"before"] * 3


async def test_a_set_that_was_never_read_does_not_keep_its_mend_from_being_loaded(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE).unlink()
    async with world.running() as engine:
        assert state(engine) == WAITS
        world.declare("providers", FILE_REF, FileSettings(path="still-not.csv"))
        with_graph(engine, world.graph)
        await reload(engine)
        assert state(engine) == WAITS
        (world.folder / "here.csv").write_text(BEFORE)
        world.declare("providers", FILE_REF, FileSettings(path="here.csv"))
        with_graph(engine, world.graph)
        await reload(engine)
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)


async def test_a_reload_that_the_store_does_not_commit_changes_nothing(
    world: ReferringWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_sync, "COMMIT_SECONDS", 0.05)
    world.referring()
    file = world.file("providers", BEFORE, refresh_seconds=0.02)
    async with world.running() as engine:
        graph = engine.graph
        (world.folder / "moved.csv").write_text(AFTER)
        world.declare("providers", FILE_REF, FileSettings(path="moved.csv"))
        with_graph(engine, world.graph)
        with world.locked(), pytest.raises(StoreUnavailable):
            await reload(engine)
        assert engine.graph is graph
        assert rows(engine) == {"X": "before"}
        file.write_text("code,npi\nX,still read\n")
        await until(lambda: rows(engine) == {"X": "still read"})


async def test_a_removed_inbound_that_still_drains_keeps_its_set_through_another_reload(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE)
    gate = threading.Event()
    asking = world.handlers["handle"].function

    def slow(msg: Any) -> Any:
        gate.wait()
        return asking(msg)

    world.handler(slow)
    async with world.running() as engine:
        receipt = await sender.send(adt("1"))
        world.aside()
        for declared, name in ((world.inbounds, "IB"), (world.references, "providers")):
            del declared[name]
        with_graph(engine, world.graph)
        await reload(engine)
        await reload(engine)
        gate.set()
        await until(lambda: world.disposition(receipt.message_id) in ("PROCESSED", "ERROR"))
    assert world.work(receipt.message_id)[0].error == ""
    assert partner.delivered == [b"before"]
