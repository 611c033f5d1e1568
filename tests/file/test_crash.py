"""What a kill leaves, and several engines on one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from tests.file.child import payload
from tests.file.context import Intake, every_file, item, reading, visible, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WORK = ".messagefoundry-work"


@contextmanager
def killed_after_its_first_line(task: str, folder: Path) -> Iterator[None]:
    """A child that has said that it is under way, and is killed at the end of the block."""
    command = [sys.executable, "-m", "tests.file.child", task, str(folder)]
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as child:
        assert child.stdout
        try:
            assert child.stdout.readline()
            yield
        finally:
            child.kill()


async def test_a_killed_writer_leaves_no_half_file_under_a_final_name(tmp_path: Path) -> None:
    with killed_after_its_first_line("write", tmp_path):
        pass
    names = visible(tmp_path)
    assert len(names) >= 4
    for name in names:
        assert (tmp_path / name).read_bytes() == payload(int(name[1:-4]))


async def test_what_a_killed_writer_began_is_delivered_once(tmp_path: Path) -> None:
    """The engine sends again everything that it has not settled."""
    with killed_after_its_first_line("write", tmp_path):
        pass
    written = len(visible(tmp_path))
    async with writing(tmp_path) as destination:
        for number in range(written + 1):
            await destination.send(item(payload(number), message_id=number, work_id=number, attempt=2))
    assert every_file(tmp_path) == sorted(f"N{number}.hl7" for number in range(written + 1))


async def test_files_of_an_engine_that_was_killed_are_read_first(tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / "b.hl7").write_bytes(b"b")
    with killed_after_its_first_line("claim", tmp_path):
        (tmp_path / "a.hl7").write_bytes(b"a")
        alive = Intake()
        async with reading(tmp_path, alive, recursive=True) as reader:
            await reader.poll()
            assert alive.received == [b"a"]  # what a living engine holds is not touched
    assert [name for name in every_file(tmp_path) if name.startswith(WORK) and name.endswith("/ward/b.hl7")]
    intake = Intake()
    async with reading(tmp_path, intake, recursive=True):
        assert intake.received == [b"b"]  # at the first look: it was complete when it was claimed
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/ward/b.hl7"]
    assert not list((tmp_path / WORK).iterdir())


async def test_a_file_that_was_being_given_back_is_read_once(tmp_path: Path) -> None:
    """The crash came between the two steps of giving back: the file has both names."""
    path = tmp_path / "a.hl7"
    path.write_bytes(b"a")
    claim = f"1795329829296720-01234567-1-{path.stat().st_mtime_ns}"
    claimed = tmp_path / WORK / "IB_FILE@host-1-dead" / claim / "a.hl7"
    claimed.parent.mkdir(parents=True)
    claimed.hardlink_to(path)
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
        await reader.poll()
    assert intake.received == [b"a"]


async def test_engines_on_one_folder_read_each_file_once(tmp_path: Path) -> None:
    files = [f"{number:03}.hl7" for number in range(120)]
    for name in files:
        (tmp_path / name).write_bytes(name.encode())
    intakes = [Intake(), Intake(), Intake()]

    async def poll(intake: Intake) -> None:
        async with reading(tmp_path, intake) as reader:
            await reader.poll()

    async with trio.open_nursery() as nursery:
        for intake in intakes:
            nursery.start_soon(poll, intake)
    received = Counter(raw.decode() for intake in intakes for raw in intake.received)
    assert received == Counter(files)
    assert visible(tmp_path) == []
    assert not any(intake.notes for intake in intakes)
    assert sum(bool(intake.received) for intake in intakes) > 1
