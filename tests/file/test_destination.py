"""The outbound: from a lane to a folder."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio

from messagefoundry.contracts import Delivered, Rejected, Unreachable
from tests.file.context import Outlet, every_file, item, visible, writing

if TYPE_CHECKING:
    from pathlib import Path

ADT = b"MSH|^~\\&|EPIC^1.2.3^ISO|ACME|LAB|B|20260101120000||ADT^A01^ADT_A01|MSG1|P|2.5.1\rPID|1||SECRET\r"


async def test_a_message_becomes_a_file(tmp_path: Path) -> None:
    before = time.time_ns() // 1000
    async with writing(tmp_path / "new" / "out") as destination:
        result = await destination.send(item(ADT))
    assert isinstance(result, Delivered)
    assert result.note == "written as MSG1.hl7"
    assert result.peer == str(tmp_path / "new" / "out")
    assert before <= result.sent_at <= result.acknowledged_at <= time.time_ns() // 1000
    assert (tmp_path / "new" / "out" / "MSG1.hl7").read_bytes() == ADT
    assert every_file(tmp_path) == ["new/out/MSG1.hl7"]


async def test_names_come_from_the_header(tmp_path: Path) -> None:
    template = "{MSH-4}_{MSH-9.1}-{MSH-9.2}_{MSH-3.2}_{MSH-7}_{MSH-12}_{message_id}.txt"
    async with writing(tmp_path, filename=template) as destination:
        await destination.send(item(ADT))
    assert visible(tmp_path) == ["ACME_ADT-A01_1.2.3_20260101120000_2.5.1_17.txt"]


@pytest.mark.parametrize("payload", [b"{}", b"", b"MSH", b"\x00\xff", ADT.replace(b"MSG1", b"")])
async def test_without_a_control_id_the_message_id_is_the_name(tmp_path: Path, payload: bytes) -> None:
    async with writing(tmp_path) as destination:
        await destination.send(item(payload))
    assert visible(tmp_path) == ["17.hl7"]
    assert (tmp_path / "17.hl7").read_bytes() == payload


async def test_the_same_content_again_is_delivered_and_no_second_file(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        await destination.send(item(ADT))
        again = await destination.send(item(ADT, message_id=99, work_id=100))
    assert isinstance(again, Delivered)
    assert again.note == "already there as MSG1.hl7"
    assert every_file(tmp_path) == ["MSG1.hl7"]


async def test_a_crash_before_the_draft_lost_its_name_leaves_one_file(tmp_path: Path) -> None:
    """The draft has its final name already, and its own still."""
    (tmp_path / "MSG1.hl7").write_bytes(ADT)
    (tmp_path / ".MSG1.hl7-18.tmp").hardlink_to(tmp_path / "MSG1.hl7")
    async with writing(tmp_path) as destination:
        await destination.send(item(ADT, attempt=2))
    assert every_file(tmp_path) == ["MSG1.hl7"]


async def test_other_content_gets_a_name_of_its_own(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        for number, work_id in ((1, 101), (2, 102), (3, 103)):
            await destination.send(item(ADT + b"NTE|%d\r" % number, message_id=17, work_id=work_id))
        retried = await destination.send(item(ADT + b"NTE|2\r", message_id=17, work_id=102, attempt=2))
        assert isinstance(retried, Delivered)
        assert retried.note == "already there as MSG1-17.hl7"
    names = ["MSG1-17-103.hl7", "MSG1-17.hl7", "MSG1.hl7"]
    assert every_file(tmp_path) == names
    assert [(tmp_path / name).read_bytes()[-2:-1] for name in names] == [b"3", b"2", b"1"]


async def test_a_retry_finds_its_file_although_the_first_name_is_free_again(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        await destination.send(item(ADT + b"A"))
        await destination.send(item(ADT + b"B"))
        (tmp_path / "MSG1.hl7").unlink()
        await destination.send(item(ADT + b"B", attempt=2))
    assert every_file(tmp_path) == ["MSG1-17.hl7"]


async def test_when_every_name_is_taken_a_human_is_needed(tmp_path: Path) -> None:
    for name in ("MSG1.hl7", "MSG1-17.hl7", "MSG1-17-18.hl7"):
        (tmp_path / name).write_text("other")
    async with writing(tmp_path) as destination:
        result = await destination.send(item(ADT))
    assert isinstance(result, Rejected)
    assert result.permanent
    assert len(every_file(tmp_path)) == 3


async def test_overwrite_replaces(tmp_path: Path) -> None:
    async with writing(tmp_path, filename="latest.hl7", overwrite=True) as destination:
        await destination.send(item(b"a long first message"))
        await destination.send(item(b"second"))
    assert (tmp_path / "latest.hl7").read_bytes() == b"second"
    assert every_file(tmp_path) == ["latest.hl7"]


@pytest.mark.parametrize("overwrite", [False, True])
async def test_links_are_never_written_through(tmp_path: Path, overwrite: bool) -> None:
    outside, folder = tmp_path / "outside.hl7", tmp_path / "out"
    folder.mkdir()
    outside.write_bytes(b"precious")
    (folder / "MSG1.hl7").symlink_to(outside)
    (folder / ".MSG1.hl7-18.tmp").symlink_to(outside)
    async with writing(folder, overwrite=overwrite) as destination:
        assert isinstance(await destination.send(item(ADT)), Delivered)
    assert outside.read_bytes() == b"precious"
    written = folder / ("MSG1.hl7" if overwrite else "MSG1-17.hl7")
    assert not written.is_symlink()
    assert written.read_bytes() == ADT


async def test_gzip_is_the_same_every_time(tmp_path: Path) -> None:
    async with writing(tmp_path, compress="gzip", filename="{MSH-10}.hl7.gz") as destination:
        await destination.send(item(ADT))
        await destination.send(item(ADT, attempt=2))
    assert every_file(tmp_path) == ["MSG1.hl7.gz"]
    compressed = (tmp_path / "MSG1.hl7.gz").read_bytes()
    assert gzip.decompress(compressed) == ADT
    assert compressed[4:8] == bytes(4)  # RFC 1952 MTIME


async def test_writers_of_one_name_lose_nothing(tmp_path: Path) -> None:
    """Two outbounds whose templates meet in one name."""
    async with writing(tmp_path) as one, writing(tmp_path) as other:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                payload = ADT.replace(b"MSG1", b"M%d" % (number // 2)) + b"%d" % number
                sender = other if number % 2 else one
                nursery.start_soon(sender.send, item(payload, message_id=100 + number, work_id=200 + number))
    contents = {(tmp_path / name).read_bytes().rpartition(b"\r")[2] for name in every_file(tmp_path)}
    assert contents == {b"%d" % number for number in range(20)}


async def test_a_missing_directory_is_unreachable_and_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    async with writing(folder) as destination:
        folder.rmdir()
        with pytest.raises(Unreachable) as raised:
            await destination.send(item(ADT))
        assert str(raised.value) == f"directory {folder} does not exist"
        assert not folder.exists()
        folder.mkdir()
        assert isinstance(await destination.send(item(ADT, attempt=2)), Delivered)


async def test_only_a_connection_that_begins_makes_its_directory(tmp_path: Path) -> None:
    """A later connector, or one that only tests, must not put patient data where a share was mounted."""
    folder = tmp_path / "share"
    async with writing(folder, Outlet(first_opening=False)) as destination:
        for attempt in (destination.test(), destination.send(item(ADT))):
            with pytest.raises(Unreachable, match=f"^directory {folder} does not exist$"):
                await attempt
    assert not folder.exists()


async def test_a_directory_that_cannot_be_made_is_noted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outlet = Outlet()
    async with writing(tmp_path / "file" / "out", outlet) as destination:
        with pytest.raises(Unreachable, match="is not a folder"):
            await destination.send(item(ADT))
    assert outlet.notes == [("directory unavailable", f"directory {tmp_path}/file/out is not a folder", True)]


async def test_a_directory_without_write_access_is_unreachable(unprivileged: Path) -> None:
    async with writing(unprivileged) as destination:
        os.chmod(unprivileged, 0o500)
        for attempt in (destination.send(item(ADT)), destination.test()):
            with pytest.raises(Unreachable, match="does not let the engine") as raised:
                await attempt
            assert raised.value.__cause__ is None
        os.chmod(unprivileged, 0o700)


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_full_disk_is_unreachable_and_leaves_nothing(tmp_path: Path, overwrite: bool) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = ADT + b"x" * 1_000_000
    async with writing(tmp_path, overwrite=overwrite) as destination:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
        try:
            with pytest.raises(Unreachable) as raised:
                await destination.send(item(large))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert str(raised.value) == f"directory {tmp_path} cannot be written into: File too large"
        assert every_file(tmp_path) == []
        await destination.send(item(large, attempt=2))
    assert (tmp_path / "MSG1.hl7").read_bytes() == large


async def test_a_folder_in_the_way_is_other_content(tmp_path: Path) -> None:
    (tmp_path / "MSG1.hl7").mkdir()
    async with writing(tmp_path) as destination:
        await destination.send(item(ADT))
    assert visible(tmp_path) == ["MSG1-17.hl7"]


async def test_the_test_writes_and_removes(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        assert "is writable" in await destination.test()
    assert every_file(tmp_path) == []


@pytest.mark.parametrize(
    ("mask", "folder", "file"), [(0o000, 0o750, 0o640), (0o022, 0o750, 0o640), (0o077, 0o700, 0o600)]
)
async def test_what_is_made_is_for_the_account_and_its_group(tmp_path: Path, mask: int, folder: int, file: int) -> None:
    place, before = tmp_path / "out", os.umask(mask)
    try:
        async with writing(place) as destination:
            await destination.send(item(ADT))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(place).st_mode) == folder
    assert stat.S_IMODE(os.stat(place / "MSG1.hl7").st_mode) == file


async def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    async with writing(tmp_path) as destination:
        await destination.send(item(ADT))
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o755


async def test_a_folder_that_can_be_written_but_not_made_durable_gets_nothing(unprivileged: Path) -> None:
    """Nothing may be there that would be written again at every retry."""
    async with writing(unprivileged) as destination:
        os.chmod(unprivileged, 0o300)
        with pytest.raises(Unreachable, match="does not let the engine"):
            await destination.send(item(ADT))
        os.chmod(unprivileged, 0o700)
    assert every_file(unprivileged) == []


async def test_a_directory_that_is_checked_at_load_is_not_made(tmp_path: Path) -> None:
    async with writing(tmp_path / "share", validate_directory=True) as destination:
        with pytest.raises(Unreachable, match="does not exist"):
            await destination.test()


FAULTS = (errno.EXDEV, errno.ENOSPC, errno.EPERM, errno.EACCES, errno.EIO, errno.EDQUOT, errno.EROFS)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("call", ["link", "rename", "replace", "unlink", "fsync"])
@pytest.mark.parametrize("number", FAULTS, ids=lambda number: errno.errorcode[number])
async def test_a_call_that_fails_once_is_one_whole_file_in_the_end(
    tmp_path: Path, call: str, number: int, overwrite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder refuses a step of writing: Unreachable or delivered, and the next attempt leaves one file."""
    works, faults = getattr(os, call), [OSError(number, os.strerror(number))]

    def fails_once(*arguments: Any, **options: Any) -> Any:
        if faults:
            raise faults.pop()
        return works(*arguments, **options)

    async with writing(tmp_path, overwrite=overwrite) as destination:
        monkeypatch.setattr(os, call, fails_once)
        for attempt in (1, 2):
            with suppress(Unreachable):
                await destination.send(item(ADT, attempt=attempt))
        monkeypatch.undo()
        assert isinstance(await destination.send(item(ADT, attempt=3)), Delivered)
    assert every_file(tmp_path) == ["MSG1.hl7"]
    assert (tmp_path / "MSG1.hl7").read_bytes() == ADT
