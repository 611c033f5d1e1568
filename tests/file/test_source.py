"""The inbound: from a folder to the store."""

from __future__ import annotations

import errno
import gzip
import os
import re
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.file.context import Intake, accept, every_file, no_store, reading, refuse, source, visible

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.contracts import Receipt
    from messagefoundry_file.custody import Held
    from messagefoundry_file.scan import Found

WORK = ".messagefoundry-work"


async def test_files_are_received_in_order_and_moved(tmp_path: Path) -> None:
    intake = Intake()
    for name in ("b.hl7", "a.hl7", "c.txt"):
        (tmp_path / name).write_bytes(name.encode())
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"a.hl7", b"b.hl7"]
    assert intake.peers == ["a.hl7", "b.hl7"]
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/b.hl7", "c.txt"]
    assert intake.notes == []


async def test_a_file_stays_until_its_message_is_committed(tmp_path: Path) -> None:
    """While the commit is under way the file is claimed, in a folder for its owner alone, and not yet processed."""
    during: list[list[str]] = []

    def answer(raw: bytes, message_id: int) -> Receipt:
        during.append([name for name in every_file(tmp_path) if not name.endswith("lock")])
        return accept(raw, message_id)

    (tmp_path / "a.hl7").write_bytes(b"a")
    async with reading(tmp_path, Intake(answer)) as reader:
        await reader.poll()
        assert stat.S_IMODE((tmp_path / WORK).stat().st_mode) == 0o700
    assert len(during[0]) == 1
    assert re.fullmatch(rf"{WORK}/IB_FILE@[^/]+/\d+-[0-9a-f]{{8}}-1-\d+/a.hl7", during[0][0])


async def test_a_half_written_file_is_not_read(tmp_path: Path) -> None:
    intake = Intake()
    growing = tmp_path / "a.hl7"
    growing.write_bytes(b"ha")
    async with reading(tmp_path, intake) as reader:
        for more in (b"l", b"f"):
            with growing.open("ab") as file:
                file.write(more)
            await reader.poll()
            assert intake.received == []
        await reader.poll()
    assert intake.received == [b"half"]


async def test_delete_removes_and_leave_remembers(tmp_path: Path) -> None:
    for after_read in ("delete", "leave"):
        folder = tmp_path / after_read
        folder.mkdir()
        (folder / "a.hl7").write_bytes(b"a")
        intake = Intake()
        async with reading(folder, intake, after_read=after_read) as reader:
            await reader.poll()
            await reader.poll()
        assert intake.received == [b"a"]
    assert visible(tmp_path / "delete") == []
    assert visible(tmp_path / "leave") == ["a.hl7"]


async def test_a_refused_file_is_set_aside_with_a_note(tmp_path: Path) -> None:
    intake = Intake(refuse)
    (tmp_path / "bad.hl7").write_bytes(b"PID|secret")
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert every_file(tmp_path) == [".error/bad.hl7"]
    detail = "bad.hl7: refused with AE: The message cannot be read; kept as .error/bad.hl7"
    assert intake.notes == [("file refused", detail, True)]


async def test_without_a_store_files_stay_in_order(tmp_path: Path) -> None:
    intake = Intake(no_store)
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
        assert visible(tmp_path) == ["a.hl7", "b.hl7"]
        intake.answer = accept
        await reader.poll()
    assert intake.received == [b"a.hl7", b"b.hl7"]
    assert next(intake.ids) == 4  # after the first refusal no other file was tried


async def test_a_name_that_is_taken_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """The store is away, and the partner writes a new file under the name of the one that waits."""

    def partner_writes_again(raw: bytes, message_id: int) -> Receipt:
        (tmp_path / "a.hl7").write_bytes(b"second")
        return no_store(raw, message_id)

    intake = Intake(partner_writes_again)
    (tmp_path / "a.hl7").write_bytes(b"first")
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
        intake.answer = accept
        await reader.poll()
        await reader.poll()
    assert intake.received == [b"first", b"second"]
    assert [path.read_bytes() for path in sorted((tmp_path / ".processed").iterdir())] == [b"second", b"first"]


async def test_processed_files_never_replace_each_other(tmp_path: Path) -> None:
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        for content in (b"1", b"2", b"3"):
            (tmp_path / "a.hl7").write_bytes(content)
            await reader.poll()
            await reader.poll()
    processed = tmp_path / ".processed"
    assert {path.read_bytes() for path in processed.iterdir()} == {b"1", b"2", b"3"}
    names = " ".join(sorted(path.name for path in processed.iterdir()))
    assert re.fullmatch(r"a-\d{16}.hl7 a-\d{16}.hl7 a.hl7", names)


def put_twice(folder: Path, name: bytes) -> None:
    """A file of this name, and an earlier one of the same name that is processed."""
    (folder / ".processed").mkdir(exist_ok=True)
    for place in (folder, folder / ".processed"):
        (place / os.fsdecode(name)).write_bytes(b"m")


async def test_names_of_any_bytes(tmp_path: Path) -> None:
    names = [b"\xff\xfe.hl7", b"a\nb.hl7", "ü€.hl7".encode(), b"\x1b[31m.hl7", b"x" * 251 + b".hl7"]
    for name in names:
        put_twice(tmp_path, name)
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert len(intake.received) == len(names)
    assert visible(tmp_path) == []
    assert len(every_file(tmp_path)) == 2 * len(names)
    assert all(peer.isprintable() and len(peer) <= 120 for peer in intake.peers)


async def test_too_large_a_file_is_never_loaded(tmp_path: Path) -> None:
    intake = Intake()
    with (tmp_path / "big.hl7").open("wb") as file:
        file.truncate(1 << 40)
    async with reading(tmp_path, intake, max_file_bytes=10) as reader:
        await reader.poll()
    assert every_file(tmp_path) == [".error/big.hl7"]
    ((kind, detail, alert),) = intake.notes
    assert (kind, alert) == ("file set aside", True)
    assert f"{1 << 40} bytes are more than max_file_bytes (10)" in detail


async def test_gzip(tmp_path: Path) -> None:
    good = gzip.compress(b"MSH|1\r") + gzip.compress(b"PID|2\r")
    (tmp_path / "good.gz").write_bytes(good)
    (tmp_path / "torn.gz").write_bytes(good[:-4])
    (tmp_path / "none.gz").write_bytes(b"MSH|plain")
    (tmp_path / "nothing.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(100 << 20)))
    intake = Intake()
    async with reading(tmp_path, intake, pattern="*.gz", decompress="gzip", max_decompressed_bytes=1 << 20) as reader:
        await reader.poll()
    assert intake.received == [b"MSH|1\rPID|2\r"]
    reasons = [detail.split("; ")[0] for _, detail, _ in intake.notes]
    assert reasons == [
        "bomb.gz: more than max_decompressed_bytes (1048576) when decompressed",
        "none.gz: not a complete gzip file",
        "nothing.gz: empty",
        "torn.gz: not a complete gzip file",
    ]
    assert len(list((tmp_path / ".error").iterdir())) == 4


async def test_an_empty_file_is_set_aside_after_a_while(tmp_path: Path) -> None:
    intake = Intake()
    empty = tmp_path / "empty.hl7"
    empty.touch()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
        assert visible(tmp_path) == ["empty.hl7"]
        os.utime(empty, (time.time() - 100, time.time() - 100))
        await reader.poll()
        await reader.poll()
    assert every_file(tmp_path) == [".error/empty.hl7"]
    assert intake.notes == [("file set aside", "empty.hl7: empty; kept as .error/empty.hl7", True)]


async def test_subfolders_keep_their_shape(tmp_path: Path) -> None:
    deep = tmp_path / "site" / "ward"
    deep.mkdir(parents=True)
    (deep / "a.hl7").write_bytes(b"a")
    intake = Intake()
    async with reading(tmp_path, intake, recursive=True) as reader:
        await reader.poll()
    assert every_file(tmp_path) == [".processed/site/ward/a.hl7"]
    assert intake.peers == ["site/ward/a.hl7"]


async def test_what_was_not_read_is_never_deleted(tmp_path: Path) -> None:
    """A writer that kept the file open goes on writing after it was read."""
    with (tmp_path / "a.hl7").open("ab", buffering=0) as writer:
        writer.write(b"first half")

        def writer_goes_on(raw: bytes, message_id: int) -> Receipt:
            writer.write(b", second half")
            return accept(raw, message_id)

        intake = Intake(writer_goes_on)
        async with reading(tmp_path, intake, after_read="delete") as reader:
            await reader.poll()
    assert intake.received == [b"first half"]
    assert (tmp_path / ".error" / "a.hl7").read_bytes() == b"first half, second half"
    detail = "a.hl7 changed after it was read; kept as .error/a.hl7"
    assert intake.notes == [("file changed", detail, True)]


async def test_a_file_that_cannot_be_moved_is_not_read_twice(tmp_path: Path) -> None:
    intake = Intake()
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())
    async with reading(tmp_path, intake) as reader:
        (tmp_path / ".processed").rmdir()
        (tmp_path / ".processed").write_text("in the way")
        await reader.poll()
        await reader.poll()
        assert intake.received == [b"a.hl7"]
        assert intake.kinds() == ["file not moved"]
        (tmp_path / ".processed").unlink()
        await reader.poll()
    assert intake.received == [b"a.hl7", b"b.hl7"]
    assert every_file(tmp_path) == [".processed/a.hl7", ".processed/b.hl7"]


async def test_a_folder_that_goes_away_and_returns(tmp_path: Path) -> None:
    folder, away = tmp_path / "in", tmp_path / "away"
    intake = Intake()
    reader = source(folder, intake)
    async with reader.opened():
        folder.rename(away)
        folder.write_text("no folder")
        await reader.poll()
        await reader.poll()
        assert intake.kinds() == ["folder unavailable"]
        folder.unlink()
        away.rename(folder)
        (folder / "a.hl7").write_bytes(b"a")
        await reader.poll()
        await reader.poll()
    assert intake.received == [b"a"]
    assert intake.kinds() == ["folder unavailable", "folder available"]


async def test_an_unreadable_file_stays_and_is_noted_once(tmp_path: Path, unprivileged: Path) -> None:
    intake = Intake()
    locked = unprivileged / "locked.hl7"
    locked.write_bytes(b"later")
    locked.chmod(0)
    (unprivileged / "open.hl7").write_bytes(b"now")
    async with reading(unprivileged, intake) as reader:
        await reader.poll()
        await reader.poll()
        assert intake.received == [b"now"]
        assert intake.notes == [("file unreadable", "locked.hl7: Permission denied", True)]
        assert visible(unprivileged) == ["locked.hl7"]
        unchanged = (unprivileged / ".").stat().st_mtime_ns
        await reader.poll()
        assert (unprivileged / ".").stat().st_mtime_ns == unchanged  # it is not claimed and given back for nothing
        locked.chmod(0o600)
        await reader.poll()
    assert intake.received == [b"now", b"later"]


async def test_a_stop_comes_between_files(tmp_path: Path) -> None:
    """A stop that comes during a commit lets the file be finished, and takes no other."""
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())
    with trio.fail_after(5), trio.CancelScope() as running:

        def stop(raw: bytes, message_id: int) -> Receipt:
            running.cancel()
            return accept(raw, message_id)

        intake = Intake(stop)
        await source(tmp_path, intake, poll_seconds=0.01).run()
    assert intake.received == [b"a.hl7"]
    assert every_file(tmp_path) == [".processed/a.hl7", "b.hl7"]
    assert not list((tmp_path / WORK).iterdir())


async def test_it_says_when_it_is_ready_and_polls_on(tmp_path: Path) -> None:
    intake = Intake()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            reader = source(tmp_path / "new", intake, poll_seconds=0.01)
            await nursery.start(lambda task_status: reader.run(task_status=task_status))
            (tmp_path / "new" / "a.hl7").write_bytes(b"a")
            await intake.arrival.wait()
            nursery.cancel_scope.cancel()
    assert intake.received == [b"a"]


async def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reader = source(tmp_path / "file" / "in", Intake())
    with trio.fail_after(5), pytest.raises(NotADirectoryError):
        await reader.run()


@pytest.mark.parametrize("after_read", ["move", "leave"])
async def test_a_folder_that_went_away_is_not_made_when_the_inbound_starts_again(
    tmp_path: Path, after_read: str
) -> None:
    reader = source(tmp_path / "share", Intake(first_opening=False), after_read=after_read)
    with trio.fail_after(5), pytest.raises(FileNotFoundError, match=f"^directory {tmp_path}/share does not exist$"):
        await reader.run()
    assert not (tmp_path / "share").exists()


async def test_a_folder_that_is_checked_at_load_is_not_made(tmp_path: Path) -> None:
    for after_read in ("move", "leave"):
        with trio.fail_after(5), pytest.raises(FileNotFoundError):
            await source(tmp_path / "share", Intake(), validate_directory=True, after_read=after_read).run()


async def test_a_work_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / WORK).symlink_to(tmp_path / "elsewhere")
    with trio.fail_after(5), pytest.raises(OSError, match="must be a folder, not a link"):
        await source(tmp_path, Intake()).run()


async def test_a_link_is_passed_over_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "link.hl7").symlink_to("/etc/hostname")
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == []
    assert intake.notes == [("file passed over", "link.hl7 is a link or a device, which are not read", True)]


async def test_a_file_that_changes_while_it_is_read_is_given_back(tmp_path: Path) -> None:
    """The writer is back between the claim and the read."""
    intake = Intake()
    with (tmp_path / "a.hl7").open("ab", buffering=0) as writer:
        writer.write(b"one")
        async with reading(tmp_path, intake) as reader:
            take = reader._custody.take

            def take_late(found: Found) -> Held | None:
                held = take(found)
                writer.write(b"two")
                return held

            reader._custody.take = take_late  # type: ignore[method-assign]
            await reader.poll()
            assert visible(tmp_path) == ["a.hl7"]
            assert intake.notes == [("file still written", "a.hl7", False)]
            reader._custody.take = take  # type: ignore[method-assign]
            await reader.poll()
            await reader.poll()
    assert intake.received == [b"onetwo"]


async def test_trouble_of_many_files_is_told_once_and_again_when_it_returns(tmp_path: Path, unprivileged: Path) -> None:
    files = [unprivileged / f"{number}.hl7" for number in range(3)]
    intake = Intake()
    for file in files:
        file.write_bytes(b"m")
        file.chmod(0)
    async with reading(unprivileged, intake) as reader:
        await reader.poll()
        await reader.poll()
        assert intake.kinds() == ["file unreadable"]
        for file in files:
            file.chmod(0o600)
        await reader.poll()
        assert len(intake.received) == 3
        files[0].write_bytes(b"again")
        files[0].chmod(0)
        await reader.poll()
        await reader.poll()
    assert intake.kinds() == ["file unreadable", "file unreadable"]


async def test_a_file_that_is_removed_while_it_is_received_does_not_stop_the_intake(tmp_path: Path) -> None:
    def operator_removes(raw: bytes, message_id: int) -> Receipt:
        for claimed in (tmp_path / WORK).rglob("*.hl7"):
            claimed.unlink()
        return accept(raw, message_id)

    intake = Intake(operator_removes)
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"a.hl7", b"b.hl7"]
    assert intake.notes[0] == ("file changed", "a.hl7 was removed while it was received", True)


async def test_a_file_that_vanishes_before_it_is_read_is_noted(tmp_path: Path) -> None:
    for name in ("a.hl7", "b.hl7"):
        (tmp_path / name).write_bytes(name.encode())

    def partner_removes(raw: bytes, message_id: int) -> Receipt:
        (tmp_path / "b.hl7").unlink()
        return accept(raw, message_id)

    intake = Intake(partner_removes)
    async with reading(tmp_path, intake, after_read="leave") as reader:
        await reader.poll()
    assert intake.received == [b"a.hl7"]
    assert intake.notes == [("file vanished", "b.hl7", False)]


NO_LINKS = OSError(errno.EPERM, os.strerror(errno.EPERM))


def no_second_name(*arguments: Any, **options: Any) -> None:
    """Some network shares have no hard links; nor do files of another account, where the kernel protects them."""
    raise NO_LINKS


async def test_without_links_files_are_moved_and_given_back_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_second_name)
    intake = Intake(no_store)
    put_twice(tmp_path, b"a.hl7")
    (tmp_path / "b.hl7").write_bytes(b"b")
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
        assert visible(tmp_path) == ["a.hl7", "b.hl7"]
        intake.answer = accept
        await reader.poll()
    assert intake.received == [b"m", b"b"]
    assert len(every_file(tmp_path)) == 3
    assert {path.read_bytes() for path in (tmp_path / ".processed").iterdir()} == {b"m", b"b"}


async def test_half_a_file_whose_name_is_taken_is_not_read(tmp_path: Path) -> None:
    """It changed after it was claimed, and its writer has begun another of that name: it waits until it is whole."""
    intake = Intake()
    path = tmp_path / "a.hl7"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"ha")
        async with reading(tmp_path, intake) as reader:
            take = reader._custody.take

            def take_late(found: Found) -> Held | None:
                held = take(found)
                writer.write(b"l")
                path.write_bytes(b"other")
                return held

            reader._custody.take = take_late  # type: ignore[method-assign]
            await reader.poll()
            reader._custody.take = take  # type: ignore[method-assign]
            await reader.poll()
            assert intake.received == []
            writer.write(b"f")
            await reader.poll()
            assert intake.received == [b"other"]
            await reader.poll()
            await reader.poll()
            await reader.poll()
    assert intake.received == [b"other", b"half"]


@pytest.mark.parametrize("after_read", ["move", "leave"])
async def test_a_pattern_of_hidden_names_reads_nothing_of_ours(tmp_path: Path, after_read: str) -> None:
    """Neither ledgers nor work folders, and no file that a File outbound has not named yet."""
    (tmp_path / ".a.hl7").write_bytes(b"a")
    (tmp_path / ".half.hl7-18.tmp").write_bytes(b"half")
    intake, other = Intake(), Intake(name="IB_OTHER")
    async with reading(tmp_path, other, after_read="leave", pattern="*.none"):
        async with reading(tmp_path, intake, after_read=after_read, pattern=".*", recursive=True) as reader:
            for _ in range(3):
                await reader.poll()
    assert intake.received == [b"a"]


async def test_a_file_as_large_as_allowed_is_read_whole(tmp_path: Path) -> None:
    content = b"M" * (16 * 1024 * 1024)
    (tmp_path / "large.hl7").write_bytes(content)
    (tmp_path / "larger.hl7").write_bytes(content + b"M")
    intake = Intake()
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert len(intake.received) == 1
    whole = intake.received[0] == content  # compared apart: to show how large values differ takes minutes
    assert whole
    assert every_file(tmp_path) == [".error/larger.hl7", ".processed/large.hl7"]


async def test_a_file_that_vanishes_before_it_is_claimed_costs_nothing(tmp_path: Path) -> None:
    for name in ("a.hl7", "b.hl7", "c.hl7"):
        (tmp_path / name).write_bytes(name.encode())

    def partner_removes(raw: bytes, message_id: int) -> Receipt:
        (tmp_path / "b.hl7").unlink(missing_ok=True)
        return accept(raw, message_id)

    intake = Intake(partner_removes)
    async with reading(tmp_path, intake) as reader:
        await reader.poll()
    assert intake.received == [b"a.hl7", b"c.hl7"]
    assert intake.notes == []
    assert not list((tmp_path / WORK).iterdir())
