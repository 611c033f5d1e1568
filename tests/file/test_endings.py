"""The message is committed and the last step with its file fails: a stop and a start do not read it again."""

from __future__ import annotations

import resource
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry_file import unwritten
from messagefoundry_file.marks import mark_file
from tests.file.context import Intake, accept, every_file, reading, source, visible
from tests.file.test_crash import killed_after_its_first_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.contracts import Receipt

WORK = ".messagefoundry-work"
LEDGER = ".messagefoundry-read.IB_FILE"
PENDING = f"{LEDGER}.pending"


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
    marked = next((tmp_path / WORK).glob("*/accepted-1-1-*"))
    assert (marked / name).read_bytes() == b"a"
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
    """Each engine in turn inherits the mark, finds another fault, and waits before it reads anything else."""
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


async def test_a_killed_engine_leaves_the_mark(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(b"a")
    with killed_after_its_first_line("stuck", tmp_path):
        pass
    mend(tmp_path)
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == []
    assert every_file(tmp_path) == [".processed/a.hl7"]


async def test_the_next_start_keeps_what_was_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(b"1")
    await receive_and_stop(tmp_path, Intake())
    next((tmp_path / WORK).glob("*/accepted-1-*/a.hl7")).write_bytes(b"1 and more")
    mend(tmp_path)
    intake = Intake()
    async with reading(tmp_path, intake, after_read="delete"):
        pass
    assert intake.received == []
    assert intake.notes == [("file changed", "a.hl7 changed after it was read; kept as .error/a.hl7", True)]
    assert every_file(tmp_path) == [".error/a.hl7"]


async def test_the_next_start_tells_names_apart_by_message(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(b"1")
    await receive_and_stop(tmp_path, Intake())
    mend(tmp_path)
    (tmp_path / ".processed").mkdir()
    (tmp_path / ".processed" / "a.hl7").write_bytes(b"of yesterday")
    async with reading(tmp_path, Intake()):
        pass
    assert every_file(tmp_path) == [".processed/a-1.hl7", ".processed/a.hl7"]


async def test_other_files_that_are_claimed_are_given_back_and_read(tmp_path: Path) -> None:
    """A claim that could not be given back before stands beside the file that is accepted."""

    def leave_another(raw: bytes, message_id: int) -> Receipt:
        next((tmp_path / WORK).glob("*/claimed")).joinpath("z.hl7").write_bytes(b"z")
        return accept(raw, message_id)

    (tmp_path / "a.hl7").write_bytes(b"a")
    await receive_and_stop(tmp_path, Intake(leave_another))
    assert visible(tmp_path) == ["z.hl7"]
    mend(tmp_path)
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"z"]
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/z.hl7"]


def test_a_mark_is_never_put_on_another_file(tmp_path: Path) -> None:
    """The accepted file had been moved when its step failed; the one beside it has not been read."""
    claimed = tmp_path / "claimed"
    claimed.mkdir()
    (claimed / "z.hl7").write_bytes(b"z")
    with pytest.raises(FileNotFoundError):
        mark_file(str(claimed), "a.hl7", str(tmp_path / "accepted-1-1-1"))
    assert every_file(tmp_path) == ["claimed/z.hl7"]


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


@pytest.mark.parametrize("room", [0, 60])
async def test_a_file_that_stays_is_one_message_after_stop_mend_start(tmp_path: Path, room: int) -> None:
    """With room 0 the disk takes neither the ledger's line nor the pending one: this process remembers."""
    intake = Intake()
    await first_files(tmp_path, intake)
    async with reading(tmp_path, intake, after_read="leave") as reader:
        (tmp_path / "last.hl7").write_bytes(b"last")
        await reader.poll()
        with no_file_longer_than(room):
            await reader.poll()
            await reader._close()
    assert intake.kinds() == ["file not moved"]
    await read_twice(tmp_path, intake)
    await read_twice(tmp_path, intake)
    assert intake.received == [b"1", b"2", b"last"]
    assert not (tmp_path / PENDING).exists()
    assert (tmp_path / LEDGER).read_bytes().count(b"last.hl7") == 1


async def first_files(folder: Path, intake: Intake) -> None:
    """So that the ledger is longer than one line, and no file may be as long as it would become."""
    for name in ("1", "2"):
        (folder / f"{name}.hl7").write_bytes(name.encode())
    await read_twice(folder, intake)


async def test_a_pending_line_outlives_the_process_and_a_ledger_that_still_fails(tmp_path: Path) -> None:
    intake = Intake()
    await first_files(tmp_path, intake)
    (tmp_path / "last.hl7").write_bytes(b"last")
    with killed_after_its_first_line("full", tmp_path):
        pass
    assert stat.S_IMODE((tmp_path / PENDING).stat().st_mode) == 0o600
    size = (tmp_path / LEDGER).stat().st_size
    with no_file_longer_than(size + 3):
        await read_twice(tmp_path, intake)
    unwritten._in_this_process.clear()
    assert (tmp_path / PENDING).exists()
    await read_twice(tmp_path, intake)
    assert not (tmp_path / PENDING).exists()
    await read_twice(tmp_path, intake)
    assert intake.received == [b"1", b"2"]
    assert intake.notes == []


async def test_a_link_in_place_of_the_pending_line_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / PENDING).symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic link"):
        await read_twice(tmp_path, Intake())
