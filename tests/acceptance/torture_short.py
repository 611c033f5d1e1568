"""The short form of the torture, for `make test`. ACCEPTANCE_KILLS and ACCEPTANCE_SEED make it longer, or other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.acceptance.torture_situations import tortured
from tests.acceptance.torture_verdict import figures, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.torture_situations import Situation
    from tests.acceptance.torture_stores import TortureStore
    from tests.acceptance.torture_verdict import Evidence
    from tests.acceptance.torture_world import World

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "0"))
"""0: as few as each situation needs to be seen"""

SEED = int(os.environ.get("ACCEPTANCE_SEED", "20261130"))
"""With this one, the few kills of a short form fall into the middle: of a creation, of two upgrades, of a command."""


def kept(situation: Situation, directory: Path, store: TortureStore | None = None) -> tuple[World, Evidence]:
    """Torture an engine for a moment and find every promise kept: the world then, and what everybody says."""
    with tortured(situation, directory, kills=KILLS or situation.short, seed=SEED, store=store) as world:
        evidence = world.evidence()
    assert verdict(evidence) == []
    assert evidence.accepted
    print(f"{situation.name}: {figures(evidence)}")
    return world, evidence
