"""The engine's side of the contract, for tests of File Connections: what came in, what was noted."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.contracts import OutboundItem, Receipt
from messagefoundry_file.destination import FileDestination
from messagefoundry_file.settings import FileSettings
from messagefoundry_file.source import FileSource

if TYPE_CHECKING:
    from messagefoundry.message import Refusal

Answer = Callable[[bytes, int], Receipt]


def accept(raw: bytes, message_id: int) -> Receipt:
    return Receipt(accepted=True, message_id=message_id)


def refuse(raw: bytes, message_id: int) -> Receipt:
    return Receipt(accepted=False, message_id=message_id, code="AE", reason="The message cannot be read")


def no_store(raw: bytes, message_id: int) -> Receipt:
    return Receipt(accepted=False, retry=True)


@dataclass
class Intake:
    """An InboundContext that commits into a list."""

    answer: Answer = accept
    name: str = "IB_FILE"
    bind_host: str = "127.0.0.1"
    source_ip_allowlist: tuple[()] = ()
    received: list[bytes] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    notes: list[tuple[str, str, bool]] = field(default_factory=list)
    arrival: trio.Event = field(default_factory=trio.Event)
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    marked: str = ""
    first_opening: bool = True

    async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
        await trio.lowlevel.checkpoint()
        receipt = self.answer(raw, next(self.ids))
        if receipt.accepted:
            self.received.append(raw)
            self.peers.append(peer)
            self.marked = bookmark
            self.arrival.set()
        return receipt

    async def bookmark(self) -> str:
        await trio.lowlevel.checkpoint()
        return self.marked

    async def refuse(self, raw: bytes, refusal: Refusal, *, peer: str = "") -> Receipt:
        raise AssertionError("a File inbound refuses nothing itself")

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        self.notes.append((kind, detail, alert))

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.notes]


@dataclass
class Outlet:
    """An OutboundContext that keeps what is noted."""

    name: str = "OB_FILE"
    notes: list[tuple[str, str, bool]] = field(default_factory=list)
    first_opening: bool = True

    def note(self, kind: str, detail: str = "", *, alert: bool = False) -> None:
        self.notes.append((kind, detail, alert))


def source(folder: Path, intake: Intake, **options: Any) -> FileSource:
    return FileSource(FileSettings(directory=str(folder), **options), intake)


@asynccontextmanager
async def reading(folder: Path, intake: Intake, **options: Any) -> AsyncIterator[FileSource]:
    """A source of `folder` that has looked once, so that the next poll reads what stands there unchanged."""
    reader = source(folder, intake, **options)
    async with reader.opened():
        await reader.poll()
        yield reader


@asynccontextmanager
async def writing(folder: Path, outlet: Outlet | None = None, **options: Any) -> AsyncIterator[FileDestination]:
    settings = FileSettings(directory=str(folder), **options)
    async with FileDestination(settings, outlet or Outlet()) as destination:
        yield destination


def item(payload: bytes, *, message_id: int = 17, work_id: int = 18, attempt: int = 1) -> OutboundItem:
    return OutboundItem(work_id=work_id, message_id=message_id, payload=payload, attempt=attempt)


def visible(folder: Path) -> list[str]:
    """The files directly in `folder` that are not hidden."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))


def every_file(folder: Path) -> list[str]:
    """Every file below `folder`, hidden or not, but for the ledger and locks."""
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(str(entry.relative_to(folder)) for entry in found if entry.is_file())
