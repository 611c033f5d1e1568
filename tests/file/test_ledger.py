"""`after_read="leave"`: what has been read is remembered."""

from __future__ import annotations

import os
import resource
import stat
from typing import TYPE_CHECKING

import pytest

from messagefoundry_file import ledger
from messagefoundry_file.custody import Held
from messagefoundry_file.ledger import Ledger
from messagefoundry_file.scan import Found, Look
from tests.file.context import Intake, no_store, reading, refuse, source, visible

if TYPE_CHECKING:
    from pathlib import Path

LEAVE = {"after_read": "leave"}


async def read_twice(folder: Path, intake: Intake) -> None:
    async with reading(folder, intake, after_read="leave") as reader:
        await reader.poll()


async def test_a_restart_reads_nothing_twice(tmp_path: Path) -> None:
    intake = Intake()
    names = ["a.hl7", "b c.hl7", os.fsdecode(b"\xff\n%.hl7")]
    for name in names:
        (tmp_path / name).write_bytes(b"m")
    await read_twice(tmp_path, intake)
    await read_twice(tmp_path, intake)
    assert len(intake.received) == 3
    assert visible(tmp_path) == sorted(names)
    assert stat.S_IMODE((tmp_path / ".messagefoundry-read.IB_FILE").stat().st_mode) == 0o600


async def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    intake = Intake()
    (tmp_path / "a.hl7").write_bytes(b"1")
    await read_twice(tmp_path, intake)
    (tmp_path / "a.hl7").write_bytes(b"22")
    await read_twice(tmp_path, intake)
    assert intake.received == [b"1", b"22"]


async def test_refused_files_stay_and_are_not_tried_again(tmp_path: Path) -> None:
    intake = Intake(refuse)
    (tmp_path / "a.hl7").write_bytes(b"1")
    await read_twice(tmp_path, intake)
    await read_twice(tmp_path, intake)
    assert next(intake.ids) == 2
    assert [kind for kind, _, _ in intake.notes] == ["file refused"]
    assert visible(tmp_path) == ["a.hl7"]


async def test_without_a_store_a_file_is_tried_again(tmp_path: Path) -> None:
    intake = Intake(no_store)
    (tmp_path / "a.hl7").write_bytes(b"1")
    async with reading(tmp_path, intake, after_read="leave") as reader:
        await reader.poll()
        await reader.poll()
    assert next(intake.ids) == 3


async def test_a_second_engine_is_kept_out_and_another_connection_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(b"1")
    first, other = Intake(), Intake(name="IB_OTHER")
    async with reading(tmp_path, first, after_read="leave") as reader:
        with pytest.raises(OSError, match="another engine reads"):
            async with source(tmp_path, Intake(), after_read="leave").opened():
                pass
        await reader.poll()
        await read_twice(tmp_path, other)
    assert first.received == other.received == [b"1"]
    await read_twice(tmp_path, first)
    assert first.received == [b"1"]


def opened(folder: Path) -> Ledger:
    book = Ledger(str(folder), "IB")
    book.open()
    return book


def held(folder: Path, name: str, size: int = 1) -> Held:
    return Held(name, str(folder / name), Look(size, 5), "")


def test_half_a_line_of_a_crash_is_dropped(tmp_path: Path) -> None:
    book = opened(tmp_path)
    book.accepted(held(tmp_path, "a"))
    book.close()
    path = tmp_path / ".messagefoundry-read.IB"
    whole = path.read_bytes()
    path.write_bytes(whole + b"1 5 half-a-na")
    again = opened(tmp_path)
    assert again.knows(Found("a", Look(1, 5)))
    assert path.read_bytes() == whole
    again.accepted(held(tmp_path, "b"))
    again.close()
    assert path.read_bytes() == whole + b"1 5 b\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"messagefoundry-read 1 0123456789abcdef\nnonsense\n", "damaged at line 2: remove the line"),
        (b"messagefoundry-read 2\n1 5 a\n", "not a ledger that this release reads"),
    ],
)
def test_a_damaged_ledger_is_not_guessed_at(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / ".messagefoundry-read.IB").write_bytes(content)
    for _ in range(2):  # the refusal lets go of the lock
        with pytest.raises(OSError, match=text):
            opened(tmp_path)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    book = opened(tmp_path)
    path = tmp_path / ".messagefoundry-read.IB"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 3, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            book.accepted(held(tmp_path, "a"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert not book.knows(Found("a", Look(1, 5)))
    book.accepted(held(tmp_path, "a"))
    book.close()
    assert path.read_bytes() == before + b"1 5 a\n"


def test_names_that_are_gone_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_TIDY_AFTER", 3)
    (tmp_path / "stays").touch()
    book = opened(tmp_path)
    for name in ("stays", "gone", "share/that/is/away"):
        book.accepted(held(tmp_path, name))
    book.left_over("")
    book.accepted(held(tmp_path, "later"))
    with pytest.raises(OSError, match="another engine"):
        opened(tmp_path)  # the new file is locked as the old one was
    book.close()
    again = opened(tmp_path)
    known = [name for name in ("stays", "gone", "share/that/is/away", "later") if again.knows(Found(name, Look(1, 5)))]
    assert known == ["stays", "share/that/is/away", "later"]
    again.close()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def test_a_ledger_that_went_away_with_its_share_is_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    book = opened(folder)
    book.accepted(held(folder, "a"))
    folder.rename(tmp_path / "away")
    folder.mkdir()
    book.left_over("")
    assert not book.knows(Found("a", Look(1, 5)))
    (folder / ".messagefoundry-read.IB").unlink()
    folder.rmdir()
    (tmp_path / "away").rename(folder)
    book.left_over("")
    assert book.knows(Found("a", Look(1, 5)))
    book.close()
