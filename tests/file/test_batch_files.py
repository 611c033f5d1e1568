"""Files that hold a batch, through a whole engine: one file is one receive."""

from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.stores import MessageQuery
from messagefoundry.contracts.units import ReceiveBatch
from messagefoundry.wiring.graph import Inbound
from messagefoundry_file.plugin import register_connectors
from messagefoundry_file.settings import FileSettings
from tests.engine.world import World, adt, control_id_of, until

from .context import every_file

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts.stores import MessageRow

(SPEC,) = register_connectors()
BHS = b"FHS|^~\\&\r\nBHS|^~\\&|LAB|WEST|HIS|EAST|20260101||||B7\r\n"
BAD = adt("BAD", text="x").replace(b"||x", b"||\xff")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def world(tmp_path: Path, folder: Path) -> World:
    world = World(tmp_path)
    world.simple()
    reads(world, folder)
    return world


def reads(world: World, folder: Path, **options: Any) -> None:
    """Let the inbound read a folder."""
    settings = FileSettings(directory=str(folder), poll_seconds=0.02, **options)
    world.inbounds["IB"] = Inbound("IB", SPEC, settings, "route", HL7V2)


def batch(*members: bytes, count: int | None = None) -> bytes:
    return BHS + b"".join(members) + b"BTS|%d\r\nFTS|1\r\n" % (len(members) if count is None else count)


def rows(world: World) -> list[MessageRow]:
    found: list[MessageRow] = world.read(lambda reader: reader.messages(MessageQuery()))
    return found[::-1]


def files(folder: Path) -> list[str]:
    """What is in the folder and below it, but for the engine's own."""
    return [name for name in every_file(folder) if not name.startswith(".messagefoundry")]


def delivered(world: World) -> list[str]:
    return [control_id_of(raw) for raw in world.partners["OB"].delivered]


def noted(world: World) -> list[str]:
    events = world.read(lambda reader: reader.connection_events("IB", 100))
    return [f"{event.kind}: {event.detail}" for event in events if event.kind not in ("started", "stopped")]


async def test_every_message_of_a_file_becomes_one(world: World, folder: Path) -> None:
    (folder / "a.hl7").write_bytes(batch(adt("1"), adt("2")))
    (folder / "b.hl7").write_bytes(adt("3"))
    (folder / "c.hl7").write_bytes(adt("4") + b"\n\n" + BAD + b"\n" + adt("5"))
    with trio.fail_after(20):
        async with world.running():
            await world.partners["OB"].has(5)
            await until(lambda: ".processed/c.hl7" in files(folder))
    assert delivered(world) == ["1", "2", "3", "4", "5"]
    assert files(folder) == [".processed/a.hl7", ".processed/b.hl7", ".processed/c.hl7"]
    by_parent = {row.id: [each.control_id for each in rows(world) if each.parent_id == row.id] for row in rows(world)}
    assert [members for members in by_parent.values() if members] == [["1", "2"], ["4", "BAD", "5"]]
    assert {row.peer for row in rows(world)} == {"a.hl7", "b.hl7", "c.hl7"}


async def test_a_file_with_a_wrong_count_goes_to_the_errors(world: World, folder: Path) -> None:
    (folder / "a.hl7").write_bytes(batch(adt("1"), adt("2"), count=3))
    (folder / "b.hl7").write_bytes(batch(adt("3")))
    with trio.fail_after(20):
        async with world.running():
            await world.partners["OB"].has(1)
            await until(lambda: files(folder) == [".error/a.hl7", ".processed/b.hl7"])
    assert delivered(world) == ["3"]
    assert noted(world) == [
        "file refused: a.hl7: refused with AE: A batch does not hold as many as it says; kept as .error/a.hl7"
    ]
    assert [row.disposition for row in rows(world)] == ["ERROR", "PROCESSED", "PROCESSED"]


async def test_a_compressed_file_may_hold_a_batch(world: World, folder: Path) -> None:
    reads(world, folder, decompress="gzip", after_read="delete")
    (folder / "a.hl7").write_bytes(gzip.compress(batch(*(adt(str(each)) for each in range(200)))))
    with trio.fail_after(20):
        async with world.running():
            await world.partners["OB"].has(200)
            await until(lambda: files(folder) == [])
    assert delivered(world) == [str(each) for each in range(200)]


@pytest.mark.parametrize("after_read", ["move", "delete", "leave"])
async def test_a_file_whose_commit_was_late_is_read_once(
    world: World, folder: Path, after_read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bookmark is in the commit of the batch: it tells that the file was received, although nobody was told."""
    monkeypatch.setattr("messagefoundry.pipeline.intake.STORE_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("messagefoundry.pipeline.committer.WATCH_SECONDS", 0.05)
    reads(world, folder, after_read=after_read)
    release = threading.Event()
    with trio.fail_after(20):
        async with world.running() as engine:
            store = engine.committer._batches._store
            commit, inside = store.commit, threading.Event()

            def hanging(units: Any) -> None:
                if any(isinstance(unit, ReceiveBatch) for unit in units):
                    inside.set()
                    release.wait(20)
                commit(units)

            monkeypatch.setattr(store, "commit", hanging)
            (folder / "a.hl7").write_bytes(batch(adt("1"), adt("2")))
            await until(inside.is_set)
            await until(lambda: any(entry.given_up for entry in engine.committer._batches.on_their_way))
            release.set()
            await world.partners["OB"].has(2)
            (folder / "b.hl7").write_bytes(adt("3"))
            await world.partners["OB"].has(3)
    assert delivered(world) == ["1", "2", "3"]
    assert [row.message_type for row in rows(world)].count("BATCH") == 1


async def test_a_file_that_was_received_before_a_crash_is_only_moved(world: World, folder: Path) -> None:
    obstacle = folder / ".processed"
    with trio.fail_after(20):
        async with world.running(crash=True):
            await until(obstacle.is_dir)
            obstacle.rmdir()
            obstacle.write_bytes(b"a file where the folder should be")
            (folder / "a.hl7").write_bytes(batch(adt("1"), adt("2")))
            await world.partners["OB"].has(2)
            await until(lambda: any(each.startswith("file not moved") for each in noted(world)))
        obstacle.unlink()
        async with world.running():
            await until(lambda: files(folder) == [".processed/a.hl7"])
            (folder / "b.hl7").write_bytes(adt("3"))
            await until(lambda: "3" in delivered(world))
    assert [row.message_type for row in rows(world)].count("BATCH") == 1
    assert [row.control_id for row in rows(world)] == ["B7", "1", "2", "3"]
