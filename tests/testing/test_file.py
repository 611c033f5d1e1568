"""File Connections keep the clauses of their contracts that a folder can have."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, ClassVar

import pytest
import trio

from messagefoundry.testing import (
    AGAIN,
    NO,
    YES,
    Desk,
    InboundConformance,
    InboundPeer,
    InboundSubject,
    OutboundConformance,
    OutboundSubject,
)
from messagefoundry_file.destination import FileDestination
from messagefoundry_file.settings import FileSettings
from messagefoundry_file.source import FileSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from messagefoundry.contracts.inbound import InboundConnector, InboundContext
    from messagefoundry.contracts.outbound import OutboundConnector, OutboundContext

LOOK_SECONDS = 0.1


class Share(OutboundSubject):
    """A folder on a share that comes and goes: while it is away, its mount point is a file."""

    content_type = "binary"

    def __init__(self, folder: Path) -> None:
        self._mount = folder / "share"
        self._mount.touch()
        self._ashore = folder / "ashore"
        (self._ashore / "out").mkdir(parents=True)

    def connector(self, context: OutboundContext) -> OutboundConnector:
        directory = str(self._mount / "out")
        return FileDestination(FileSettings(directory=directory, filename="{work_id}.hl7"), context)

    @asynccontextmanager
    async def partner(self, desk: Desk) -> AsyncIterator[None]:
        self._mount.unlink()
        self._ashore.rename(self._mount)
        try:
            yield
        finally:
            self._mount.rename(self._ashore)
            self._mount.touch()

    def payload(self, text: str) -> bytes:
        return text.encode()

    async def taken(self, desk: Desk) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self._mount / "out").iterdir()) if path.name[0] != "."]


class Writer(InboundPeer):
    """Somebody who puts files into the folder, each whole and at once."""

    def __init__(self, folder: Path, numbers: count[int]) -> None:
        self._folder = folder
        self._numbers = numbers
        self._waiting: list[Path] = []
        self._put: dict[Path, int] = {}

    async def send(self, payload: bytes) -> None:
        path = self._folder / f"{next(self._numbers):04}.hl7"
        draft = path.with_suffix(".part")
        draft.write_bytes(payload)
        draft.rename(path)
        self._waiting.append(path)
        self._put[path] = path.stat().st_ctime_ns

    async def answer(self) -> bytes | None:
        while (verdict := self._verdict()) is None:  # noqa: ASYNC110 - a folder has no events
            await trio.sleep(LOOK_SECONDS)
        self._waiting.pop(0)
        return verdict

    def _verdict(self) -> bytes | None:
        """Where the oldest file is: processed, set aside, or moved and given back."""
        if not self._waiting:
            return None
        path = self._waiting[0]
        if (self._folder / ".processed" / path.name).exists():
            return YES
        if (self._folder / ".error" / path.name).exists():
            return NO
        try:
            return AGAIN if path.stat().st_ctime_ns != self._put[path] else None
        except FileNotFoundError:
            return None

    async def send_part(self, payload: bytes) -> None:
        raise NotImplementedError


class Folder(InboundSubject):
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "in"
        self._folder.mkdir()
        self._numbers = count(1)

    def connector(self, context: InboundContext) -> InboundConnector:
        return FileSource(FileSettings(directory=str(self._folder), poll_seconds=0.1), context)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[InboundPeer]:
        yield Writer(self._folder, self._numbers)

    def payload(self, text: str) -> bytes:
        return text.encode()

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        shutil.rmtree(self._folder)
        self._folder.touch()
        yield


_NO_ANSWER = "a folder answers nothing: a file is delivered when it is on the disk under its name"


class TestFileOutbound(OutboundConformance):
    not_applicable: ClassVar = {
        "test_waits_for_the_answer": _NO_ANSWER,
        "test_a_slow_partner_holds_up_its_own_connection_alone": _NO_ANSWER,
        "test_a_refusal_for_good_is_permanent": _NO_ANSWER,
        "test_a_refusal_for_now_is_not_permanent": _NO_ANSWER,
        "test_delivers_after_a_refusal": _NO_ANSWER,
        "test_a_refusal_says_nothing_of_the_content": _NO_ANSWER,
        "test_silence_is_unreachable": _NO_ANSWER,
        "test_leaving_is_unreachable": _NO_ANSWER,
        "test_no_answer_says_nothing_of_the_content": _NO_ANSWER,
        "test_tries_an_item_again_after_an_unknown_outcome": _NO_ANSWER,
        "test_a_late_answer_never_meets_the_next_item": _NO_ANSWER,
        "test_a_late_answer_never_meets_the_item_under_way": _NO_ANSWER,
        "test_the_answer_to_a_cancelled_item_never_meets_the_next": _NO_ANSWER,
        "test_a_cancelled_send_is_cancelled": "a write of one file is not interrupted, so that no half file is left",
        "test_leaving_closes_the_connection": "nothing is open between two files",
        "test_being_cancelled_closes_the_connection": "nothing is open between two files",
    }

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Share:
        return Share(tmp_path)


_NO_CONNECTION = "a writer of files has no connection that could be closed or answered"


class TestFileInbound(InboundConformance):
    not_applicable: ClassVar = {
        "test_keeps_to_the_allowlist": "who wrote a file is not known",
        "test_a_slow_commit_holds_up_its_own_peer_alone": "all files of a folder are one sequence",
        "test_answers_as_the_receipt_says": _NO_CONNECTION,
        "test_a_receipt_without_reply_answers_nothing": _NO_CONNECTION,
        "test_a_receipt_can_close": _NO_CONNECTION,
        "test_a_receipt_can_answer_and_close": _NO_CONNECTION,
        "test_half_a_message_is_none": "a file that still grows is left until it is whole",
        "test_stopping_lets_peers_go": _NO_CONNECTION,
    }

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path)
