"""kill -9 of the engine, and of the server, under load: what was acknowledged is delivered, once, in order."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.acceptance.torture_activities import MllpLoad
from tests.acceptance.torture_lives import killed_under_load, killed_while_starting
from tests.acceptance.torture_situations import Situation, live_to_the_end
from tests.acceptance.torture_verdict import figures, verdict
from tests.acceptance.torture_world import World, world_in
from tests.postgres.engine import copy_into_file, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.contracts.stores import StoreLocation

LIVES = (killed_under_load, killed_while_starting, killed_under_load)
SEED = 20261122


@contextmanager
def world_over(location: StoreLocation, directory: Path, situation: Situation) -> Iterator[World]:
    """A world whose engine keeps its store in PostgreSQL."""
    with world_in(directory, situation.lanes, situation.folders) as world:
        world.environment = environment_of(location)
        world.place.configure(situation.wiring(world))
        yield world


def test_nothing_acknowledged_is_lost_by_kills_of_the_engine(location: StoreLocation, tmp_path: Path) -> None:
    situation = Situation("plain", activities=(MllpLoad(),))
    chance = random.Random(SEED)
    with world_over(replace(location), tmp_path, situation) as world:
        for life in LIVES:
            life(world, situation.activities, chance)
        live_to_the_end(situation, world, chance)
        copy_into_file(location, world.place.database)
        evidence = world.evidence()
    assert verdict(evidence) == []
    assert evidence.accepted
    print(f"PostgreSQL: {figures(evidence)}")
