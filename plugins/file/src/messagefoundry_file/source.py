"""The inbound `File`: polls a folder and brings in one message for each file.

A file is taken, read, committed with a bookmark that names it, and only then moved, deleted or entered in the ledger. A
stop does not come between these steps, and a kill costs none: a file that was taken and is found at the start was
received if the bookmark names it, and only the last step is left. When that fails, it alone is tried again. What was
not committed goes back to the folder, after its outcome is known; what can never be committed goes to the folder for
errors, with a note that says why.
"""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import trio

from messagefoundry_file.claims import Claims
from messagefoundry_file.disk import FOLDER_MODE, may_make_folder, shown
from messagefoundry_file.ledger import Ledger
from messagefoundry_file.notices import Notices
from messagefoundry_file.reading import Changed, Limits, Unfit, read_content
from messagefoundry_file.scan import Found, Wanted, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from messagefoundry.contracts import InboundContext, Receipt
    from messagefoundry_file.custody import Custody, Held
    from messagefoundry_file.settings import FileSettings

T = TypeVar("T")
_CLOSE_SECONDS = 10
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """The last step with a file. What `step` gives, if anything, is noted after `detail`."""

    held: Held
    step: Callable[[], str]
    kind: str
    detail: str


class FileSource:
    """A running source of files. One step of file I/O at a time, in a worker thread."""

    def __init__(self, settings: FileSettings, context: InboundContext, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch, as the file system's times do."""
        self._poll_seconds = settings.poll_seconds
        self._makes_folder = may_make_folder(settings, context)
        self._context = context
        self._folder = os.path.abspath(settings.directory)
        self._custody = _custody(settings, self._folder, context.name)
        self._limits = Limits(settings.max_file_bytes, settings.decompress, settings.max_decompressed_bytes)
        self._watch = Watch(self._folder, _wanted(settings), clock, self._custody.knows)
        self._notices = Notices(context)
        self._limiter = trio.CapacityLimiter(1)
        self._bookmark = ""
        self._unfinished: Ending | None = None
        self._undecided: Held | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look at the folder at once and then every `poll_seconds`. OSError when it cannot be used at the start."""
        async with self.opened():
            task_status.started()
            while True:
                await self.poll()
                await trio.sleep(self._poll_seconds)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The time in which files can be taken."""
        try:
            await self._in_thread(self._open)
            self._bookmark = await self._context.bookmark()
            yield
        finally:
            await self._close()  # noqa: ASYNC102 - it shields and limits its steps itself

    async def _close(self) -> None:
        """Try the last step once more; what still fails is left to the next start, as after a kill."""
        try:
            if self._unfinished:
                with trio.move_on_after(_CLOSE_SECONDS, shield=True):
                    await self._finish(self._unfinished)
        finally:
            self._unfinished = None
            with trio.move_on_after(_CLOSE_SECONDS, shield=True):
                await self._in_thread(self._custody.close)

    def _open(self) -> None:
        if self._makes_folder:
            os.makedirs(self._folder, mode=FOLDER_MODE, exist_ok=True)
        elif not os.path.lexists(self._folder):
            raise FileNotFoundError(f"directory {self._folder} does not exist")
        self._custody.open()

    async def poll(self) -> None:
        """Bring in what is ready, in order, until there is no more or the store cannot take more."""
        self._notices.begin()
        if self._unfinished and not await self._finish(self._unfinished):
            return
        try:
            left_over = await self._in_thread(partial(self._custody.left_over, self._bookmark))
            ready = await self._in_thread(self._watch.ready)
        except OSError as error:
            self._notices.tell("folder unavailable", "", f"{self._folder}: {error.strerror or error}")
            return
        self._tell_of_the_look()
        steps = [partial(self._bring_in, held) for held in left_over] + [partial(self._take, found) for found in ready]
        for step in steps:
            if not await _uninterrupted(step):
                await self._decide()
                return

    def _tell_of_the_look(self) -> None:
        if self._notices.told_before("folder unavailable"):
            self._context.note("folder available", self._folder)
        for name in self._watch.unreadable[:_MOST_NAMED]:
            self._notices.tell("folder unreadable", name, f"{shown(name)} below {self._folder} cannot be searched")
        for name in self._watch.irregular[:_MOST_NAMED]:
            self._notices.tell("file passed over", name, f"{shown(name)} is a link or a device, which are not read")
        for path in self._custody.strays[:_MOST_NAMED]:
            detail = f"{shown(path)} is held for another Connection, and is read when that runs again in {self._folder}"
            self._notices.tell("file left behind", path, detail)

    async def _take(self, found: Found) -> bool:
        try:
            held = await self._in_thread(partial(self._custody.take, found))
        except OSError as error:
            self._tell_of_file(found.name, error)
            return True
        return held is None or await self._bring_in(held)

    async def _bring_in(self, held: Held) -> bool:
        """Read, commit, end. False when nothing more can be brought in at present."""
        if held.received:
            return await self._finish(self._accepted(held))
        try:
            content = await self._in_thread(partial(read_content, held.path, held.look, self._limits))
        except Unfit as unfit:
            return await self._finish(self._set_aside(held, "file set aside", str(unfit)))
        except Changed:
            self._context.note("file still written", shown(held.name))
            return await self._give_back(held)
        except FileNotFoundError:
            self._context.note("file vanished", shown(held.name))
            return True
        except OSError as error:
            self._tell_of_file(held.name, error)
            return await self._give_back(held)
        receipt = await self._context.receive(content, peer=shown(held.name), bookmark=held.bookmark)
        if receipt.retry and not receipt.accepted:
            self._undecided = held
            return False
        return await self._finish(self._ending(held, receipt))

    async def _decide(self) -> None:
        """Learn what became of a commit that the store did not confirm in time. A stop leaves it to the next start."""
        if self._undecided:
            held, self._bookmark = self._undecided, await self._context.bookmark()
            self._undecided = None
            received = held.bookmark == self._bookmark
            step = partial(self._finish, self._accepted(held)) if received else partial(self._give_back, held)
            await _uninterrupted(step)

    def _ending(self, held: Held, receipt: Receipt) -> Ending:
        if receipt.accepted:
            self._bookmark = held.bookmark
            return self._accepted(held)
        return self._set_aside(held, "file refused", _refusal(receipt))

    def _accepted(self, held: Held) -> Ending:
        step = partial(self._custody.accepted, held)
        return Ending(held, step, "file changed", f"{shown(held.name)} ")

    def _set_aside(self, held: Held, kind: str, reason: str) -> Ending:
        return Ending(held, partial(self._custody.set_aside, held), kind, f"{shown(held.name)}: {reason}; kept as ")

    async def _finish(self, ending: Ending) -> bool:
        """Take the last step; while it fails, no other file is read, so that at most one is in doubt."""
        name = shown(ending.held.name)
        try:
            trouble = await self._in_thread(ending.step)
        except OSError as error:
            self._unfinished = ending
            self._notices.tell("file not moved", ending.held.name, f"{name}: {error.strerror or error}; intake waits")
            return False
        self._unfinished = None
        if trouble:
            self._context.note(ending.kind, f"{ending.detail}{shown(trouble)}", alert=True)
        return True

    async def _give_back(self, held: Held) -> bool:
        await self._in_thread(partial(self._custody.give_back, held))
        return True

    def _tell_of_file(self, name: str, error: OSError) -> None:
        """One file stands for all that have the same trouble: there may be thousands."""
        trouble = error.strerror or str(error)
        self._notices.tell("file unreadable", trouble, f"{shown(name)}: {trouble}")

    async def _in_thread(self, step: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(step, limiter=self._limiter)


async def _uninterrupted(steps: Callable[[], Awaitable[bool]]) -> bool:
    """A stop comes before these steps or after them."""
    await trio.lowlevel.checkpoint()
    go_on = False
    with trio.CancelScope(shield=True):
        go_on = await steps()
    return go_on


def _refusal(receipt: Receipt) -> str:
    code = f" with {receipt.code}" if receipt.code else ""
    return f"refused{code}: {receipt.reason}" if receipt.reason else f"refused{code}"


def _custody(settings: FileSettings, folder: str, connection: str) -> Custody:
    if settings.after_read == "leave":
        return Ledger(folder, connection)
    processed = os.path.join(folder, settings.processed_subdir) if settings.after_read == "move" else None
    return Claims(folder, connection, processed, os.path.join(folder, settings.error_subdir))


def _wanted(settings: FileSettings) -> Wanted:
    done = frozenset(map(os.path.normpath, (settings.processed_subdir, settings.error_subdir)))
    return Wanted(settings.pattern, settings.recursive, settings.sort, settings.min_age_seconds, done)
