"""kill -9 while batches are gathered, sent and settled: nothing is lost, the order is kept, and few are repeated."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.message import build_batch, control_id_of, split_batch
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import answering
from tests.acceptance.records import records_of
from tests.acceptance.sending import Sending, accepted_ids, sent_ids
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.place import Place

KILLS = 2
MEMBERS = 40
"""More than the default of `unsettled`, so that it is what may be ahead of the store."""

FEED = """
from messagefoundry import BatchConfig

inbound("IB", MLLP(port={port}), router="all")
together = BatchConfig(max_count={members}, max_wait_ms=15)
soon = RetryPolicy(backoff_seconds=0.01, max_backoff_seconds=0.05)
outbound("OB", MLLP(host="127.0.0.1", port={partner}), retry=soon, batch=together)
outbound("OB_FILE", File(directory="{files}", filename="{{work_id}}.hl7"), batch=together)

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return [Send("OB", msg), Send("OB_FILE", msg)]
"""


@dataclass
class BatchPartner:
    """Answers batches in every way in turn, and remembers each member that came and each that it accepted."""

    arrived: list[str] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)
    ways: itertools.cycle[str] = field(
        default_factory=lambda: itertools.cycle(("all", "each", "some", "none", "refused", "left out"))
    )

    def reply(self, content: bytes) -> bytes | None:
        batch = split_batch(content)
        ids = [control_id_of(bytes(member)) for member in batch.members]
        assert len(ids) <= MEMBERS
        self.arrived += [each.decode() for each in ids]
        way = next(self.ways)
        if way in ("all", "refused"):
            control_id = content.split(b"\r", 1)[0].split(b"|")[10]
            return self.acknowledgment(control_id, ids if way == "all" else [], "AA" if way == "all" else "AE")
        if way == "none":
            return None
        mentioned = ids[: len(ids) // 2 + 1] if way == "left out" else ids
        codes = ["AE" if way == "some" and number % 3 == 1 else "AA" for number in range(len(mentioned))]
        each = [
            self.acknowledgment(one, [one] * (code == "AA"), code) for one, code in zip(mentioned, codes, strict=True)
        ]
        return build_batch(each, control_id=b"1", created=b"")

    def acknowledgment(self, control_id: bytes, accepted: list[bytes], code: str) -> bytes:
        self.accepted.update(each.decode() for each in accepted)
        return b"MSH|^~\\&|C|D|A|B|20260101||ACK|9|T|2.5.1\rMSA|%b|%b\r" % (code.encode(), control_id)


def test_kills_among_batches(place: Place) -> None:
    chance = random.Random(20261122)
    downstream, journals = BatchPartner(), []
    with answering(downstream.reply) as port:
        place.configure(FEED, partner=port, members=MEMBERS)
        for _ in range(KILLS):
            with EngineProcess(place).ready() as engine:
                sending = Sending(place.port, connections=8, window=4)
                enough = len(downstream.arrived) + chance.randint(100, 300)
                until(lambda enough=enough: len(downstream.arrived) >= enough, "batches arrive")  # type: ignore[misc]
                engine.kill()
            journals.append(sending.ended())
        with EngineProcess(place).ready() as engine:
            until(engine.at_rest, "everything is delivered")
            until(engine.holds_nothing, "what is delivered is not in memory any more", within=10)
            assert engine.stop() == 0, engine.output
    records = records_of(place.database)
    accepted = accepted_ids(*journals)
    assert accepted <= set(records.control_ids) <= sent_ids(*journals)
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.delivered("OB") == records.delivered("OB_FILE") == set(records.control_ids)
    assert records.in_commit_order(dict.fromkeys(downstream.arrived))
    assert set(downstream.accepted) == set(records.control_ids)
    repeats = sum(downstream.accepted.values()) - len(downstream.accepted)
    assert repeats <= KILLS * MEMBERS
    written = in_files(place)
    assert set(written) == set(records.control_ids)
    assert sum(written.values()) - len(written) <= KILLS * MEMBERS
    print(f"{len(accepted)} accepted, {KILLS} kills, {repeats} repeated after an AA")


def in_files(place: Place) -> Counter[str]:
    """How often each message stands in a file."""
    batches = [split_batch(path.read_bytes()) for path in place.files.glob("*.hl7")]
    return Counter(control_id_of(bytes(member)).decode() for batch in batches for member in batch.members)
