"""Clauses: opening, holding, closing, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, EngineRunning
from messagefoundry.contracts.units import HoldConnection, MarkAttempt, MarkRunning
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, delivered, hand_off, receive, retry
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS = 30

COMMIT = """
store = factory.open(location, Plaintext())
unit = Receive("IB", b"raw", "hl7v2", "utf-8", "C1", "ADT^A01", "", 1, bookmark="page 1", id=store.last_id() + 1)
store.commit([unit])
print("done", flush=True)
sys.stdin.read()
"""
HOLD = """
hold = factory.hold(location)
print("done", flush=True)
sys.stdin.read()
"""
_PROLOGUE = """
import json, sys
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.contracts.units import Receive
factory, location = load(sys.argv[1]), StoreLocation(**json.loads(sys.argv[2]))
"""


class OpeningClauses(StoreClauses):
    """What is durable, whose store it is, and who reads it."""

    @clause
    def test_everything_is_there_after_reopening(self, feed: Feed) -> None:
        """What was committed is there after a close and an open: messages, work, trails, replies, holds, marks."""
        message_id, item = feed.handed_off("OB")
        event = feed.one(retry(item, message_id, 500, attempt=2))
        begun = feed.received()
        feed.commit(MarkAttempt(begun))
        feed.commit(HoldConnection("OB", True, "alice", 5))
        feed.commit(MarkRunning(True, 6))
        words = feed.words(message_id)
        feed.reopen()
        assert feed.words(message_id) == words
        assert feed.reader.reply(message_id, event.id) == b"MSA|AE|C1"
        (waiting,) = feed.lane().items
        assert (waiting.id, waiting.payload, waiting.attempts, waiting.due) == (item, b"payload", 2, 500)
        (received,) = feed.flow().messages
        assert (received.message_id, received.attempts) == (begun, 1)
        assert feed.reader.held() == {"OB"}
        assert feed.one(MarkRunning(True, 7)).was_running is True

    @clause
    def test_ids_go_on_after_reopening(self, feed: Feed) -> None:
        """`last_id` after an open is the highest id ever committed."""
        feed.handed_off("OB")
        last = feed.last
        feed.reopen()
        assert feed.store.last_id() == last

    @clause
    def test_a_commit_survives_a_killed_process(self, subject: StoreSubject) -> None:
        """What `commit` returned from is there although the process was killed at once, without a close."""
        with another_process(subject, COMMIT):
            pass
        feed = Feed(subject.factory, subject.location)
        assert [message.raw for message in feed.flow().messages] == [b"raw"]
        assert feed.bookmark() == "page 1"
        assert feed.reader.integrity() == []
        feed.close()

    @clause
    def test_one_engine_holds_a_store(self, subject: StoreSubject) -> None:
        """`hold` raises EngineRunning while another has the store, naming host and pid, until that one releases it."""
        hold = subject.factory.hold(subject.location)
        with pytest.raises(EngineRunning, match=str(os.getpid())):
            subject.factory.hold(subject.location)
        hold.release()
        hold.release()
        subject.factory.hold(subject.location).release()

    @clause
    def test_a_hold_ends_with_its_process(self, subject: StoreSubject) -> None:
        """A hold of another process is respected, and ends when that process is killed."""
        with another_process(subject, HOLD) as other, pytest.raises(EngineRunning, match=str(other.pid)):
            subject.factory.hold(subject.location)
        subject.factory.hold(subject.location).release()

    @clause
    def test_a_held_store_can_be_opened_and_read(self, subject: StoreSubject) -> None:
        """The engine that holds a store opens and reads it."""
        hold = subject.factory.hold(subject.location)
        feed = Feed(subject.factory, subject.location)
        assert feed.disposition(feed.received()) == "RECEIVED"
        feed.close()
        hold.release()

    @clause
    def test_there_is_nothing_to_read_before_the_first_open(self, subject: StoreSubject) -> None:
        """`reader` raises ConfigurationError when there is no store yet, and makes none."""
        for _ in range(2):
            with pytest.raises(ConfigurationError):
                subject.factory.reader(subject.location, Plaintext())

    @clause
    def test_a_reader_sees_each_commit(self, subject: StoreSubject, feed: Feed) -> None:
        """A reader sees what was committed before its look-up, whether it was opened before or after the commit."""
        key = feed.received()
        later = subject.factory.reader(subject.location, Plaintext())
        assert [reader.body(key) is not None for reader in (feed.reader, later)] == [True, True]
        feed.commit(hand_off(key))
        rows = [reader.message(key) for reader in (feed.reader, later)]
        assert [row and row.disposition for row in rows] == ["PROCESSED", "PROCESSED"]
        later.close()

    @clause
    def test_readers_see_whole_batches_while_others_commit(self, subject: StoreSubject, feed: Feed) -> None:
        """A reader in another thread sees whole batches only, and holds no commit up."""
        done, seen = threading.Event(), list[int]()

        def read() -> None:
            reader = subject.factory.reader(subject.location, Plaintext())
            while not done.is_set():
                seen.append(sum(reader.dispositions().values()))
            reader.close()

        thread = threading.Thread(target=read)
        thread.start()
        try:
            for _ in range(20):
                received = [receive() for _ in range(8)]
                feed.commit(*received)
                feed.commit(*(hand_off(unit.id, "OB") for unit in received))
                feed.commit(*(delivered(item.id, item.message_id) for item in feed.lane(limit=8).items))
        finally:
            done.set()
            thread.join()
        assert seen == sorted(seen)
        assert [count for count in seen if count % 8] == []
        assert feed.reader.dispositions() == {"PROCESSED": 160}

    @clause
    def test_a_store_describes_itself(self, subject: StoreSubject) -> None:
        """`describe` is one line, `control_path` a path, `bytes_free` a number or None."""
        assert len(subject.factory.describe(subject.location).splitlines()) == 1
        assert subject.factory.control_path(subject.location)
        store = subject.factory.open(subject.location, Plaintext())
        free = store.bytes_free()
        store.close()
        assert free is None or free >= 0


@contextmanager
def another_process(subject: StoreSubject, code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has run `code` on the store; it is killed when the block ends."""
    place = subject.location
    options: dict[str, Any] = {"backend": place.backend, "path": place.path, "synchronous": place.synchronous}
    arguments = (subject.reference, json.dumps({**options, "options": dict(place.options)}))
    with subprocess.Popen(
        [sys.executable, "-c", _PROLOGUE + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    ) as child:
        guard = threading.Timer(WAIT_SECONDS, child.kill)
        guard.start()
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "done\n", "the other process could not use the store"
            yield child
        finally:
            guard.cancel()
            child.kill()
