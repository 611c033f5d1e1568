"""The outbound `File`: one file for each message, whole and durable before it is called delivered."""

from __future__ import annotations

import errno
import os
import shutil
import time
import zlib
from functools import partial
from typing import TYPE_CHECKING, Self

import trio

from messagefoundry.contracts import Delivered, Rejected, Unreachable
from messagefoundry.message import UnreadableError, build_batch, peek
from messagefoundry_file.disk import FOLDER_MODE, may_make_folder
from messagefoundry_file.naming import with_ids
from messagefoundry_file.publishing import Folder, NamesTaken, Published
from messagefoundry_file.template import FieldReader, Ids, Template

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from messagefoundry.contracts import MemberOutcome, OutboundBatch, OutboundContext, OutboundItem
    from messagefoundry_file.settings import FileSettings

_GZIP = 31
_CAUSES = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "does not let the engine's account read and write: permission denied",
    errno.EROFS: "is on a read-only file system",
    errno.ENOSPC: "is on a disk without free space",
    errno.EDQUOT: "is over its quota",
}


class FileDestination:
    """A folder that messages are written into.

    The write is never abandoned on cancellation: a thread left behind could give its name to a file that a later
    attempt is still writing.
    """

    def __init__(self, settings: FileSettings, context: OutboundContext) -> None:
        """The template has been checked at load."""
        self._settings = settings
        self._context = context
        self._folder = os.path.abspath(settings.directory)
        self._template = Template.parse(settings.filename)
        self._makes_folder = may_make_folder(settings, context)
        self._limiter = trio.CapacityLimiter(1)

    async def __aenter__(self) -> Self:
        """Make the directory if the Connection begins now; later it may be a share that went away."""
        if not self._makes_folder:
            return self
        try:
            make = partial(os.makedirs, self._folder, mode=FOLDER_MODE, exist_ok=True)
            await trio.to_thread.run_sync(make, limiter=self._limiter)
        except OSError as error:
            self._context.note("directory unavailable", self._trouble(error), alert=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept open."""

    async def send(self, item: OutboundItem) -> Delivered | Rejected:
        """Write one file. Raises Unreachable when the directory does not take it."""
        return await self._publish(partial(self._write, item, item.payload, item.work_id))

    async def send_batch(self, batch: OutboundBatch) -> list[MemberOutcome]:
        """Write one file for all members, named after the first. Raises Unreachable."""
        payloads = [item.payload for item in batch.members]
        content = build_batch(payloads, control_id=batch.control_id, created=batch.created)
        # Of a batch that is formed anew after a crash the content is another, and no name may be left to it but this.
        write = partial(self._write, batch.members[0], content, int(batch.control_id))
        return [await self._publish(write)] * len(payloads)

    async def _publish(self, write: Callable[[], Published]) -> Delivered | Rejected:
        started = _now()
        try:
            published = await trio.to_thread.run_sync(write, limiter=self._limiter)
        except NamesTaken:
            return Rejected("other files stand where this one could be written", permanent=True, peer=self._folder)
        except OSError as error:
            raise Unreachable(self._trouble(error)) from None
        note = f"already there as {published.name}" if published.already else f"written as {published.name}"
        return Delivered(peer=self._folder, sent_at=started, acknowledged_at=_now(), note=note)

    async def test(self) -> str:
        """Write and remove an empty file."""
        try:
            free = await trio.to_thread.run_sync(self._probe, limiter=self._limiter)
        except OSError as error:
            raise Unreachable(self._trouble(error)) from None
        return f"directory {self._folder} is writable, {free // 2**20} MiB free"

    def _write(self, item: OutboundItem, content: bytes, unique: int) -> Published:
        """Write `content` under the name that `item` has; the last name to be tried has the number `unique`."""
        if self._settings.compress:
            content = zlib.compress(content, wbits=_GZIP)
        name = self._template.name(_header_of(item.payload), Ids(item.message_id, item.work_id))
        folder = Folder(self._folder, mark=str(unique))
        if self._settings.overwrite:
            return folder.replace(name, content)
        names = (name, with_ids(name, item.message_id), with_ids(name, item.message_id, unique))
        return folder.put(names, content)

    def _probe(self) -> int:
        path = os.path.join(self._folder, f".messagefoundry-probe-{os.getpid()}.tmp")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        os.unlink(path)
        return shutil.disk_usage(self._folder).free

    def _trouble(self, error: OSError) -> str:
        cause = _CAUSES.get(error.errno or 0) or f"cannot be written into: {error.strerror or 'unknown error'}"
        return f"directory {self._folder} {cause}"


def _header_of(payload: bytes) -> FieldReader:
    """MSH of the payload; what has none, has only empty fields."""
    try:
        header = peek(payload)
    except UnreadableError:
        return lambda number, component: b""
    return lambda number, component: header.component(number, component) if component else header.field(number)


def _now() -> int:
    return time.time_ns() // 1000
