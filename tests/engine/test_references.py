"""Reference sets in a running engine: read at the start and on a cadence, the last good copy kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.engine import reference_sync, references
from tests.engine.referring import Gate, ReferringWorld, rows, state
from tests.engine.world import adt, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


BEFORE = "code,npi\nX,before\n"
AFTER = "code,npi\nX,after\nY,new\n"
WAITS = ("waiting", "reference set providers")


@pytest.fixture
def world(tmp_path: Path) -> ReferringWorld:
    return ReferringWorld(tmp_path)


# -- reading -----------------------------------------------------------------------------------------------------------


async def test_a_set_is_there_for_the_first_message(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    world.file("providers", BEFORE)
    async with world.running():
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
    assert partner.delivered == [b"before"]
    assert world.kept() is not None


async def test_a_row_of_several_columns_is_a_frozen_dict(world: ReferringWorld) -> None:
    world.referring()
    world.file("providers", "code,npi,name\nX,1,House\n")
    async with world.running() as engine:
        row = rows(engine)["X"]
        assert row == {"npi": "1", "name": "House"}
        with pytest.raises(TypeError, match="cannot be changed"):
            row["npi"] = "2"


async def test_a_set_is_read_again_on_its_cadence(world: ReferringWorld) -> None:
    sender, partner = world.referring()
    file = world.file("providers", BEFORE, refresh_seconds=0.02)
    async with world.running() as engine:
        first = world.kept()
        file.write_text(AFTER)
        await until(lambda: rows(engine) == {"X": "after", "Y": "new"})
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
        second = world.kept()
        assert first is not None
        assert second is not None
        assert second.content != first.content
    assert partner.delivered == [b"after"]
    assert ("synced", "2 rows") in world.told()


async def test_what_has_not_changed_is_only_noted_as_read(world: ReferringWorld) -> None:
    world.referring()
    world.file("providers", BEFORE)
    async with world.running() as engine:
        synced = engine.references.sets["providers"]
        before, kept, snapshot = synced.copy, world.kept(), world.snapshot_id()
        assert before is not None
        assert kept is not None
        assert await synced.sync()
        assert synced.copy is not None
        assert synced.copy.values is before.values
        again = world.kept()
        assert again is not None
        assert (again.content, again.synced_at) == (kept.content, synced.copy.synced_at)
        assert again.synced_at > kept.synced_at
        assert world.snapshot_id() == snapshot
    assert world.told() == [("synced", "1 row")]


async def test_sets_are_read_side_by_side(world: ReferringWorld) -> None:
    """Each of two sources gives its rows only once the other has been asked."""
    world.referring()
    one, two = Gate(), Gate()

    def first() -> Mapping[str, Any]:
        assert two.asked.wait(5)
        one.opened.set()
        return one()

    def second() -> Mapping[str, Any]:
        two.asked.set()
        assert one.asked.wait(5)
        return {}

    world.script("providers", first)
    world.script("other", second)
    async with world.running() as engine:
        assert rows(engine) == {"X": "opened"}
        assert rows(engine, "other") == {}


async def test_a_source_that_hangs_holds_up_neither_the_start_nor_the_others(
    world: ReferringWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "START_SECONDS", 0.05)
    world.referring()
    aside, partner = world.aside()
    gate = Gate()
    world.script("providers", gate)
    world.file("other", BEFORE)
    async with world.running() as engine:
        assert state(engine) == WAITS
        assert rows(engine, "other") == {"X": "before"}
        with trio.fail_after(5):
            await aside.send(adt("1"))
            await partner.has(1)
            gate.opened.set()
            await world.senders["IB"].ready.wait()
        assert rows(engine) == {"X": "opened"}


async def test_a_source_that_does_not_answer_in_time_has_failed(
    world: ReferringWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_sync.Synced.fetch, "__defaults__", (0.05,))
    world.referring()
    gate = Gate()
    world.script("providers", gate)
    async with world.running() as engine:
        assert engine.references.sets["providers"].problem == "Scripted script did not answer in 0 s"
        gate.opened.set()


# -- what cannot be read -----------------------------------------------------------------------------------------------

BROKEN = {
    "gone": (None, "FILE: cannot be read: No such file or directory (check its place and permissions)"),
    "a short row": (
        "code,npi\nX,1\nSECRET\n",
        "FILE:3: the row has 1 cell, the header 2 (add what is missing)",
    ),
    "twice": (
        "code,npi\nX,1\nX,SECRET\n",
        "FILE:3: the row has the code of line 2 again (keep one of the two)",
    ),
    "no header": (
        "SECRET,SECRET\nX,1\n",
        "FILE:1: a column is there 2 times (give every column a name of its own)",
    ),
    "several": (
        "code,npi\nX\nY\nZ\n",
        "FILE:2: the row has 1 cell, the header 2, and 2 more problems (add what is missing)",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_the_last_good_copy_stays(world: ReferringWorld, caplog: pytest.LogCaptureFixture, what: str) -> None:
    text, sentence = BROKEN[what]
    sender, partner = world.referring()
    file = world.file("providers", BEFORE)
    sentence = sentence.replace("FILE", str(file))
    async with world.running() as engine:
        kept = world.kept()
        file.unlink() if text is None else file.write_text(text)
        assert not await engine.references.sets["providers"].sync()
        assert engine.references.sets["providers"].problem == sentence
        assert world.kept() == kept
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
        assert state(engine) == ("running", "")
    assert partner.delivered == [b"before"]
    assert world.told()[-1] == ("not synced", sentence)
    assert "SECRET" not in caplog.text


async def test_trouble_that_goes_on_is_told_once_and_its_end_too(
    world: ReferringWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.referring()
    file = world.file("providers", BEFORE)
    async with world.running() as engine:
        file.unlink()
        synced = engine.references.sets["providers"]
        for _ in range(3):
            assert not await synced.sync()
        assert not engine.alarm.raise_alert("not synced", "reference set providers", ""), "it was alerted of"
        file.write_text(BEFORE)
        assert await synced.sync()
        assert synced.problem == ""
    assert [kind for kind, _ in world.told()] == ["synced", "not synced", "synced"]
    assert caplog.text.count("not synced") == 1


async def test_trouble_that_goes_on_alerts_again_in_time(
    world: ReferringWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.referring()
    world.file("providers", BEFORE).unlink()
    async with world.running(realert_seconds=0) as engine:
        assert not await engine.references.sets["providers"].sync()
    gone = world.folder / "providers.csv"
    assert f"reference set providers: still not synced: {gone}: cannot be read" in caplog.text
    assert len(world.told()) == 1


async def test_a_fault_of_a_plugin_shows_its_place_and_not_its_text(world: ReferringWorld) -> None:
    def fault() -> Mapping[str, Any]:
        raise ZeroDivisionError("SECRET")

    world.referring()
    world.script("providers", fault)
    async with world.running() as engine:
        problem = engine.references.sets["providers"].problem
        assert problem.startswith("ZeroDivisionError at test_references.py:")
        assert "SECRET" not in problem


async def test_rows_that_the_store_does_not_commit_are_not_shown(
    world: ReferringWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is shown what would be gone after a crash."""
    monkeypatch.setattr(reference_sync, "COMMIT_SECONDS", 0.05)
    world.referring()
    file = world.file("providers", BEFORE)
    async with world.running() as engine:
        synced, before = engine.references.sets["providers"], world.kept()
        assert before is not None
        file.write_text(AFTER)
        with world.locked():
            assert not await synced.sync()
            assert "store" in synced.problem
            assert rows(engine) == {"X": "before"}
        with trio.fail_after(10):
            await engine.committer.available()
            await engine.committer.drained()
        file.write_text(BEFORE)
        assert await synced.sync()
        kept = world.kept()
        assert kept is not None
        assert kept.content == before.content, "what the failed commit may have left is gone"
        file.write_text(AFTER)
        assert await synced.sync()
        assert rows(engine) == {"X": "after", "Y": "new"}


# -- restarts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crash", [False, True])
async def test_a_restart_without_the_source_goes_on_with_the_copy_of_the_store(
    world: ReferringWorld, crash: bool
) -> None:
    sender, partner = world.referring()
    file = world.file("providers", BEFORE)
    async with world.running(crash=crash):
        kept = world.kept()
    file.unlink()
    async with world.running() as engine:
        assert state(engine) == ("running", "")
        with trio.fail_after(5):
            await sender.send(adt("1"))
            await partner.has(1)
        synced = engine.references.sets["providers"]
        assert synced.copy is not None
        assert kept is not None
        assert synced.copy.synced_at == kept.synced_at
        assert synced.problem != ""
    assert partner.delivered == [b"before"]


async def test_a_start_that_does_not_sync_uses_the_copy_until_it_is_due(world: ReferringWorld) -> None:
    world.referring()
    file = world.file("providers", BEFORE)
    async with world.running():
        pass
    file.write_text(AFTER)
    asked = Gate()
    world.script("other", asked)
    async with world.running(sync_on_startup=False) as engine:
        assert rows(engine) == {"X": "before"}
        assert await trio.to_thread.run_sync(asked.asked.wait, 5), "a set without a copy is read at once"
        assert rows(engine) == {"X": "before"}
        asked.opened.set()


@pytest.mark.parametrize("sealed", [b"\x00[]", b"\x01SECRET"])
async def test_a_copy_that_cannot_be_read_is_none(
    world: ReferringWorld, caplog: pytest.LogCaptureFixture, sealed: bytes
) -> None:
    world.referring()
    file = world.file("providers", BEFORE)
    async with world.running():
        pass
    with closing(sqlite3.connect(world.location.path)) as store, store:
        assert store.execute("UPDATE reference_set SET sealed = ?", (sealed,)).rowcount == 1
    file.unlink()
    async with world.running() as engine:
        assert state(engine) == WAITS
        file.write_text(BEFORE)
        assert await engine.references.sets["providers"].sync()
    assert "SECRET" not in caplog.text
    assert world.kept() is not None


# -- age ---------------------------------------------------------------------------------------------------------------


async def test_a_copy_that_is_too_old_alerts(world: ReferringWorld) -> None:
    world.referring()
    file = world.file("providers", BEFORE, max_staleness_seconds=60)
    async with world.running() as engine:
        synced, at = engine.references.sets["providers"], engine.references.clock()
        file.unlink()
        engine.references.clock = lambda: at + 59_000_000
        assert not await synced.sync()
        assert not synced.is_stale
        engine.references.clock = lambda: at + 61_000_000
        assert not await synced.sync()
        assert synced.is_stale
        assert not engine.alarm.raise_alert("stale", "reference set providers", ""), "it was alerted of"
        file.write_text(BEFORE)
        assert await synced.sync()
        assert not synced.is_stale
    assert ("stale", "its last good copy is older than 60 s") in world.told()
    assert world.told()[-1] == ("synced", "1 row")


async def test_a_copy_gets_too_old_between_two_readings(world: ReferringWorld) -> None:
    world.referring()
    world.file("providers", BEFORE, max_staleness_seconds=0.05)
    async with world.running():
        await until(lambda: ("stale", "its last good copy is older than 0.05 s") in world.told())
