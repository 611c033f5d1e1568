"""kill -9 at random moments under load: what was acknowledged is delivered everywhere, in order, and accounted for.

`make torture` is the long form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.engine_process import run_command
from tests.acceptance.torture_short import kept
from tests.acceptance.torture_situations import SITUATIONS, Situation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.torture_world import World


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_nothing_acknowledged_is_lost_by_kills(situation: Situation, tmp_path: Path) -> None:
    world, evidence = kept(situation, tmp_path)
    if situation.name == "plain":
        assert shown_by_command(world) == {
            message.control_id: message.disposition for message in evidence.books.messages
        }


def shown_by_command(world: World) -> dict[str, str]:
    """The disposition of every message, as `messages list` has it."""
    asked = ("messages", "list", "--json", "--limit", "1000000")
    listed = run_command(world.place, *asked, environment=world.environment)
    return {row["control_id"]: row["disposition"] for row in json.loads(listed.stdout)}
