"""kill -9 at random moments under load: what was acknowledged is delivered everywhere, in order, and accounted for.

ACCEPTANCE_KILLS and ACCEPTANCE_SEED make it longer, or other.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass

from messagefoundry.harness.journal import Journal
from tests.acceptance.engine_process import EngineProcess, run_command
from tests.acceptance.partner import Partner, partner
from tests.acceptance.place import FAN_OUT, Place
from tests.acceptance.records import records_of, written_files
from tests.acceptance.sending import Sending, accepted_ids, sent_ids
from tests.acceptance.waiting import until

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "6"))
SEED = int(os.environ.get("ACCEPTANCE_SEED", "20261122"))
UNSETTLED = 32
LANES = ("OB_MLLP", "OB_FILE")

Life = Callable[[Place, Partner, random.Random], Journal | None]


def killed_while_receiving(place: Place, downstream: Partner, chance: random.Random) -> Journal:
    """A life that ends after so many acknowledgments."""
    with EngineProcess(place).ready() as engine:
        sending = Sending(place.port)
        enough = chance.randint(20, 400)
        until(lambda: sending.accepted >= enough, f"{enough} messages are acknowledged")
        engine.kill()
        return sending.ended()


def killed_while_delivering(place: Place, downstream: Partner, chance: random.Random) -> Journal:
    """A life that ends after so many arrivals at the partner."""
    before = downstream.count()
    with EngineProcess(place).ready() as engine:
        sending = Sending(place.port)
        enough = chance.randint(20, 300)
        until(lambda: downstream.count() - before >= enough, f"{enough} more messages arrive")
        engine.kill()
        return sending.ended()


def killed_while_creating(place: Place, downstream: Partner, chance: random.Random) -> None:
    """A life that ends as soon as the file of the store is there, whole or not."""
    with EngineProcess(place) as engine:
        until(place.database.exists, "the store's file is there")
        engine.kill()


def killed_while_starting(place: Place, downstream: Partner, chance: random.Random) -> None:
    """A life that ends as soon as it says that one of its parts has started."""
    sign = chance.choice(["OB_MLLP: started", "OB_FILE: started", "control socket", "IB: started"])
    with EngineProcess(place) as engine:
        until(lambda: sign in engine.output, f"the engine says {sign}")
        engine.kill()


LIVES: tuple[Life, ...] = (
    killed_while_creating,
    killed_while_receiving,
    killed_while_delivering,
    killed_while_starting,
    killed_while_delivering,
    killed_while_receiving,
)


@dataclass(frozen=True)
class Outcome:
    """What many lives have led to."""

    journals: list[Journal]
    first_seen: list[str]
    duplicates: int


def live_and_die(place: Place) -> Outcome:
    """Live as often as there are kills, then once more until nothing waits, and stop in order."""
    chance = random.Random(SEED)
    with partner() as downstream:
        place.configure(FAN_OUT, partner=downstream.port)
        journals = [LIVES[number % len(LIVES)](place, downstream, chance) for number in range(KILLS)]
        with EngineProcess(place).ready() as engine:
            until(engine.at_rest, "everything is delivered", within=60)
            until(engine.holds_nothing, "what is delivered is not in memory any more", within=5)
            assert engine.stop() == 0, engine.output
    kept = [journal for journal in journals if journal is not None]
    return Outcome(kept, downstream.first_seen(), downstream.arrivals.duplicates)


def test_nothing_acknowledged_is_lost_by_kills(place: Place) -> None:
    outcome = live_and_die(place)
    accepted, sent = accepted_ids(*outcome.journals), sent_ids(*outcome.journals)
    records, files = records_of(place.database), written_files(place.files)
    stored = set(records.control_ids)

    assert accepted
    assert accepted <= stored <= sent, "acknowledged is stored, and stored was sent"
    assert len(records.control_ids) == len(stored), "nothing is stored twice"
    assert not records.not_final()
    assert set(records.dispositions.values()) == {"PROCESSED"}
    assert records.damage == []
    for lane in LANES:
        assert records.delivered(lane) == stored, f"each message is delivered once to {lane}, by the store's account"
    assert set(outcome.first_seen) == stored
    assert records.in_commit_order(outcome.first_seen)
    assert outcome.duplicates <= UNSETTLED * KILLS
    assert files.keys() == stored, "one file a message, and no temporary one"
    written = [files[control_id] for control_id in records.control_ids]
    assert written == sorted(written), "files are written in commit order"
    print(f"{KILLS} kills: {len(sent)} sent, {len(accepted)} acknowledged, {len(stored)} stored")
    print(f"{outcome.duplicates} of them came to the partner once more")

    listed = run_command(place, "messages", "list", "--json", "--limit", "1000000")
    shown = {row["control_id"]: row["disposition"] for row in json.loads(listed.stdout)}
    assert shown == records.dispositions, "the command accounts for the same messages"
