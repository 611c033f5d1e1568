"""kill -9 at random moments under load: what was acknowledged is delivered everywhere, in order, and accounted for.

`make torture` is the long form. ACCEPTANCE_KILLS and ACCEPTANCE_SEED make this one longer, or other.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import run_command
from tests.acceptance.torture_situations import SITUATIONS, Situation, tortured
from tests.acceptance.torture_verdict import figures, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.torture_world import World

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "0"))
"""0: as few as each situation needs to be seen"""

SEED = int(os.environ.get("ACCEPTANCE_SEED", "20261122"))


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_nothing_acknowledged_is_lost_by_kills(situation: Situation, tmp_path: Path) -> None:
    with tortured(situation, tmp_path, kills=KILLS or situation.short, seed=SEED) as world:
        evidence = world.evidence()
    assert verdict(evidence) == []
    assert evidence.accepted
    print(f"{situation.name}: {figures(evidence)}")
    if situation.name == "plain":
        assert shown_by_command(world) == {
            message.control_id: message.disposition for message in evidence.books.messages
        }


def shown_by_command(world: World) -> dict[str, str]:
    """The disposition of every message, as `messages list` has it."""
    listed = run_command(world.place, "messages", "list", "--json", "--limit", "1000000")
    return {row["control_id"]: row["disposition"] for row in json.loads(listed.stdout)}
