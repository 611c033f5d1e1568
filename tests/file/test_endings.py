"""The message is committed and the last step with its file fails, or is not known to be due: nothing is read twice."""

from __future__ import annotations

import errno
import os
import resource
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.file.context import Intake, every_file, no_store, reading, source, visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.contracts import Receipt

WORK = ".messagefoundry-work"
LEDGER = ".messagefoundry-read.IB_FILE"


def block(folder: Path) -> None:
    (folder / ".processed").rmdir()
    (folder / ".processed").write_text("in the way")


def mend(folder: Path) -> None:
    (folder / ".processed").unlink()


async def receive_and_stop(folder: Path, intake: Intake, **options: Any) -> None:
    """The move fails, and fails again at the stop."""
    async with reading(folder, intake, **options) as reader:
        block(folder)
        await reader.poll()
    assert intake.kinds() == ["file not moved"]


@pytest.mark.parametrize("name", ["a.hl7", "ward/a.hl7"])
async def test_stop_mend_start_is_one_message(tmp_path: Path, name: str) -> None:
    intake = Intake()
    (tmp_path / "ward").mkdir()
    (tmp_path / name).write_bytes(b"a")
    await receive_and_stop(tmp_path, intake, recursive=True)
    assert not (tmp_path / name).exists()
    claim = next((tmp_path / WORK).glob(f"*/{intake.marked}"))
    assert (claim / name).read_bytes() == b"a"
    assert stat.S_IMODE((tmp_path / WORK).stat().st_mode) == 0o700
    mend(tmp_path)
    async with reading(tmp_path, intake, recursive=True) as reader:
        await reader.poll()
    assert intake.received == [b"a"]
    assert every_file(tmp_path) == [f".processed/{name}"]
    assert not list((tmp_path / WORK).iterdir())


async def test_mend_stop_start_is_one_message(tmp_path: Path) -> None:
    """What the fault kept waiting is ended by the stop itself."""
    intake = Intake()
    (tmp_path / "a.hl7").write_bytes(b"a")
    async with reading(tmp_path, intake) as reader:
        block(tmp_path)
        await reader.poll()
        mend(tmp_path)
    assert every_file(tmp_path) == [".processed/a.hl7"]
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"a"]


async def test_starts_before_the_fault_is_mended_change_nothing(tmp_path: Path) -> None:
    """Each engine in turn inherits the claim, finds another fault, and waits before it reads anything else."""
    intake = Intake()
    (tmp_path / "a.hl7").write_bytes(b"a")
    await receive_and_stop(tmp_path, intake)
    (tmp_path / "b.hl7").write_bytes(b"b")
    for _ in range(3):
        mend(tmp_path)
        reader = source(tmp_path, intake)
        async with reader.opened():
            block(tmp_path)
            await reader.poll()
            await reader.poll()
        assert visible(tmp_path) == ["b.hl7"]
    mend(tmp_path)
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"a", b"b"]
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/b.hl7"]


async def test_the_next_start_keeps_what_was_not_read(tmp_path: Path) -> None:
    intake = Intake()
    (tmp_path / "a.hl7").write_bytes(b"1")
    await receive_and_stop(tmp_path, intake)
    next((tmp_path / WORK).rglob("a.hl7")).write_bytes(b"1 and more")
    mend(tmp_path)
    async with reading(tmp_path, intake, after_read="delete"):
        pass
    assert intake.received == [b"1"]
    assert intake.notes[1:] == [("file changed", "a.hl7 changed after it was read; kept as .error/a.hl7", True)]
    assert every_file(tmp_path) == [".error/a.hl7"]


async def test_the_next_start_replaces_nothing(tmp_path: Path) -> None:
    intake = Intake()
    (tmp_path / "a.hl7").write_bytes(b"1")
    await receive_and_stop(tmp_path, intake)
    mend(tmp_path)
    (tmp_path / ".processed").mkdir()
    (tmp_path / ".processed" / "a.hl7").write_bytes(b"of yesterday")
    async with reading(tmp_path, intake):
        pass
    processed = {path.read_bytes() for path in (tmp_path / ".processed").iterdir()}
    assert processed == {b"1", b"of yesterday"}


async def test_an_engine_with_a_store_of_its_own_reads_what_another_left(tmp_path: Path) -> None:
    """Of one Connection: nobody but the other's store can tell, and a file must not wait for an engine for ever."""
    (tmp_path / "a.hl7").write_bytes(b"a")
    await receive_and_stop(tmp_path, Intake())
    mend(tmp_path)
    other = Intake()
    async with reading(tmp_path, other):
        pass
    assert other.received == [b"a"]
    assert every_file(tmp_path) == [".processed/a.hl7"]


async def test_what_another_connection_left_is_left_for_it(tmp_path: Path) -> None:
    mine, others = Intake(), Intake(name="IB_OTHER/1")
    (tmp_path / "a.hl7").write_bytes(b"a")
    await receive_and_stop(tmp_path, others)
    mend(tmp_path)
    others.notes.clear()
    async with reading(tmp_path, mine, pattern="*.txt") as reader:
        await reader.poll()
        await reader.poll()
    ((kind, detail, alert),) = mine.notes
    assert (kind, alert) == ("file left behind", True)
    assert "IB_OTHER%2F1@" in detail
    async with reading(tmp_path, others):
        pass
    assert (mine.received, others.received, others.notes) == ([], [b"a"], [])
    assert every_file(tmp_path) == [".processed/a.hl7"]


class Late(Intake):
    """A store that does not answer in time; `commits` says whether it has committed after all."""

    commits = True

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        if self.commits:
            await super().receive(raw, peer=peer, bookmark=bookmark)
        return no_store(raw, 0)


@pytest.mark.parametrize("after_read", ["move", "delete", "leave"])
async def test_what_was_committed_after_all_is_not_read_again(tmp_path: Path, after_read: str) -> None:
    intake = Late()
    (tmp_path / "a.hl7").write_bytes(b"a")
    async with reading(tmp_path, intake, after_read=after_read) as reader:
        await reader.poll()
        await reader.poll()
        await reader.poll()
    assert intake.received == [b"a"]
    assert [name for name in every_file(tmp_path) if "hl7" in name] == {
        "move": [".processed/a.hl7"],
        "delete": [],
        "leave": ["a.hl7"],
    }[after_read]


@pytest.mark.parametrize("commits", [False, True])
async def test_a_stop_leaves_what_is_not_known_to_the_next_start(tmp_path: Path, commits: bool) -> None:
    class Away(Late):
        """The store is away when the stop comes."""

        async def bookmark(self) -> str:
            if self.received or asked:
                stop.cancel()
            return await super().bookmark()

        async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
            asked.append(raw)
            return await super().receive(raw, peer=peer, bookmark=bookmark)

    asked: list[bytes] = []
    intake = Away()
    intake.commits = commits
    (tmp_path / "a.hl7").write_bytes(b"a")
    with trio.fail_after(5), trio.CancelScope() as stop:
        await source(tmp_path, intake, poll_seconds=0.01).run()
    assert visible(tmp_path) == []
    later = Intake(marked=intake.marked)
    async with reading(tmp_path, later):
        pass
    assert intake.received + later.received == [b"a"]
    assert every_file(tmp_path) == [".processed/a.hl7"]


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def read_twice(folder: Path, intake: Intake) -> None:
    async with reading(folder, intake, after_read="leave") as reader:
        await reader.poll()


async def first_files(folder: Path, intake: Intake) -> None:
    """So that the ledger is longer than one line, and no file may be as long as it would become."""
    for name in ("1", "2"):
        (folder / f"{name}.hl7").write_bytes(name.encode())
    await read_twice(folder, intake)


async def test_a_file_that_stays_is_one_message_after_stop_mend_start(tmp_path: Path) -> None:
    intake = Intake()
    await first_files(tmp_path, intake)
    async with reading(tmp_path, intake, after_read="leave") as reader:
        (tmp_path / "last.hl7").write_bytes(b"last")
        await reader.poll()
        with no_file_longer_than(60):
            await reader.poll()
            await reader._close()
    assert intake.kinds() == ["file not moved"]
    assert (tmp_path / LEDGER).read_bytes().count(b"last.hl7") == 0
    await read_twice(tmp_path, intake)
    await read_twice(tmp_path, intake)
    assert intake.received == [b"1", b"2", b"last"]
    assert (tmp_path / LEDGER).read_bytes().count(b"last.hl7") == 1


async def test_a_ledger_that_still_fails_keeps_the_intake_waiting(tmp_path: Path) -> None:
    intake = Intake()
    await first_files(tmp_path, intake)
    intake.marked = intake.marked.rpartition(" ")[0] + " 3.hl7"
    (tmp_path / "4.hl7").write_bytes(b"4")
    with no_file_longer_than((tmp_path / LEDGER).stat().st_size):
        async with reading(tmp_path, intake, after_read="leave") as reader:
            await reader.poll()
            await reader.poll()
    assert intake.received == [b"1", b"2"]
    assert intake.kinds() == ["file not moved"]


async def test_a_ledger_that_was_removed_remembers_nothing(tmp_path: Path) -> None:
    """Whoever removes it wants every file again, the last one too."""
    intake = Intake()
    await first_files(tmp_path, intake)
    (tmp_path / LEDGER).unlink()
    await read_twice(tmp_path, intake)
    assert intake.received == [b"1", b"2"] * 2


async def test_a_path_that_no_bookmark_can_hold_is_told(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["%" * 200] * 3)
    deep.mkdir(parents=True)
    (deep / "a.hl7").write_bytes(b"a")
    intake = Intake()
    async with reading(tmp_path, intake, after_read="leave", recursive=True) as reader:
        await reader.poll()
        await reader.poll()
    ((kind, detail, alert),) = intake.notes
    assert (intake.received, kind, alert) == ([], "file unreadable", True)
    assert detail.endswith(": File name too long")


FAULTS = (errno.EXDEV, errno.ENOSPC, errno.EPERM, errno.EACCES, errno.EIO, errno.EDQUOT, errno.EROFS)


@pytest.mark.parametrize("call", ["rename", "mkdir", "link", "unlink", "fsync"])
@pytest.mark.parametrize("number", FAULTS, ids=lambda number: errno.errorcode[number])
async def test_a_call_that_fails_for_a_while_costs_no_message(
    tmp_path: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename, link, removal or sync fails every other time: in the end each file is one message."""
    works, times = getattr(os, call), iter(range(1000))

    def fails(*arguments: Any, **options: Any) -> Any:
        if next(times) % 2 == 0:
            raise OSError(number, os.strerror(number))
        return works(*arguments, **options)

    intake = Intake()
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())
    async with reading(tmp_path, intake) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fails)
            for _ in range(12):
                await reader.poll()
        await reader.poll()
        await reader.poll()
    assert sorted(intake.received) == [b"a.hl7", b"b.hl7"]
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/b.hl7"]
    assert not list((tmp_path / WORK).iterdir())
    assert set(intake.kinds()) <= {"file unreadable", "file not moved", "folder unavailable", "folder available"}
