"""kill -9 while batches come in: each is in the store whole or not at all, and once; one that was answered is there."""

from __future__ import annotations

import random
import socket
import sqlite3
import threading
from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.message import split_batch
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.records import records_of, written_files
from tests.acceptance.sending import adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.place import Place

KILLS = 2
SENDERS = 3
MOST_MEMBERS = 12
FILES = 8

FEED = """
inbound("IB", MLLP(port={port}), router="all")
inbound("IB_FILE", File(directory="{inbox}", poll_seconds=0.02), router="all")
outbound("OB", File(directory="{files}", filename="{{MSH-10}}.hl7"))

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""


@dataclass
class Senders:
    """Send batches, each once, until nobody listens any more. By BHS-11: what was sent, and what was answered."""

    port: int
    sent: dict[str, list[str]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, life: int) -> None:
        for number in range(SENDERS):
            thread = threading.Thread(target=self._send, args=(f"L{life}S{number}",), daemon=True)
            self.threads.append(thread)
            thread.start()

    def end(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        self.threads.clear()

    def _send(self, name: str) -> None:
        chance = random.Random(name)
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), timeout=20)) as peer:
            for number in range(100_000):
                batch, raw = batch_of(f"{name}B{number}", chance.randint(1, MOST_MEMBERS))
                self.sent[batch] = [f"{batch}M{each}" for each in range(raw.count(b"MSH|"))]
                peer.sendall(b"\x0b%b\x1c\r" % raw)
                reply = answer_from(peer)
                if reply is None:
                    return
                assert reply.count(b"\rMSA|AA|") == len(split_batch(reply).members) == len(self.sent[batch])
                self.answered.add(batch)


def batch_of(name: str, members: int) -> tuple[str, bytes]:
    """A batch with `name` for its BHS-11."""
    messages = b"".join(adt(f"{name}M{number}") for number in range(members))
    return name, b"BHS|^~\\&|A|B|C|D|20260101||||%b\r%bBTS|%d\r" % (name.encode(), messages, members)


def answer_from(peer: socket.socket) -> bytes | None:
    """One frame's content; None when the peer is gone."""
    data = b""
    while not data.endswith(b"\x1c\r"):
        more = peer.recv(65_536)
        if not more:
            return None
        data += more
    return data[1:-2]


def test_kills_while_batches_come_in(place: Place) -> None:
    chance = random.Random(20261122)
    inbox = place.directory / "inbox"
    inbox.mkdir()
    place.configure(FEED, inbox=inbox)
    senders, dropped = Senders(place.port), dict[str, list[str]]()
    for life in range(KILLS):
        dropped |= drop(inbox, f"F{life}")
        with EngineProcess(place).ready() as engine:
            enough = len(senders.answered) + chance.randint(20, 80)
            senders.begin(life)
            until(lambda enough=enough: len(senders.answered) >= enough, "batches are answered")  # type: ignore[misc]
            engine.kill()
        senders.end()
    with EngineProcess(place).ready() as engine:
        until(lambda: not list(inbox.glob("*.hl7")), "every file is read")
        until(engine.at_rest, "everything is delivered")
        assert engine.stop() == 0, engine.output
    found = stored(place)
    everything = senders.sent | dropped
    assert senders.answered <= found.keys(), "what was answered is there"
    assert dropped.keys() <= found.keys()
    assert found == {batch: everything[batch] for batch in found}, "whole, in order, and once"
    members = {member for each in found.values() for member in each}
    assert set(records_of(place.database).dispositions.values()) == {"PROCESSED"}
    assert set(written_files(place.files)) == members
    assert not list((inbox / ".error").iterdir())
    print(f"{len(found)} batches, {len(senders.answered)} answered, {len(members)} messages, {KILLS} kills")


def drop(inbox: Path, name: str) -> dict[str, list[str]]:
    """Files with a batch each."""
    batches = [batch_of(f"{name}N{number}", 1 + number) for number in range(FILES)]
    for batch, raw in batches:
        (inbox / f"{batch}.hl7").write_bytes(raw)
    return {batch: [f"{batch}M{number}" for number in range(raw.count(b"MSH|"))] for batch, raw in batches}


def stored(place: Place) -> dict[str, list[str]]:
    """The members of every batch in the store, in the order of their ids. No batch is there twice, nothing else is."""
    with closing(sqlite3.connect(place.database)) as connection:
        rows = connection.execute("SELECT id, control_id, parent_id FROM message ORDER BY id").fetchall()
    names = {key: control_id for key, control_id, parent_id in rows if parent_id is None}
    assert len(set(names.values())) == len(names), "no batch came twice"
    found = defaultdict[str, list[str]](list)
    for _, control_id, parent_id in rows:
        if parent_id is not None:
            found[names[parent_id]].append(control_id)
    assert found.keys() == set(names.values())
    return dict(found)
