"""Lives of an engine that end by kill -9, at a moment that chance chooses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.acceptance.waiting import LOOK_AGAIN_SECONDS, until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.acceptance.engine_process import EngineProcess
    from tests.acceptance.torture_world import Activity, World

    Life = Callable[[World, Sequence[Activity], random.Random], None]

LONGEST_SECONDS = 6
"""A life that does not come so far as it was to come is ended all the same."""

SIGNS = ("started", "control socket", "wiring started")


def killed_under_load(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends after so much was sent or has arrived, or after so long."""
    with world.living(activities, chance) as engine:
        world.await_ready(engine)
        kind = chance.choice(("progress", "arrivals", "time"))
        if kind == "progress":
            _wait_for(engine, lambda: world.progress, chance.randint(20, 600))
        elif kind == "arrivals":
            _wait_for(engine, lambda: world.arrivals, chance.randint(5, 400))
        else:
            _wait(engine, chance.uniform(0, 1))
        world.kill(engine)


def killed_while_starting(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends before it is ready, or just when one of its parts has said that it has started."""
    with world.living(activities, chance) as engine:
        if chance.random() < 0.3:
            _wait(engine, chance.uniform(0, 1.5))
        else:
            sign = chance.choice(SIGNS)
            until(lambda: sign in engine.output or not engine.alive, f"the engine says {sign}", within=60)
        assert engine.alive, f"the engine ended by itself:\n{engine.output}"
        world.kill(engine)


def killed_while_creating(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends as soon as there is anything of the store, whole or not."""
    with world.living(activities, chance) as engine:
        until(world.store.begun, "something of the store is there", within=60)
        _wait(engine, chance.uniform(0, 0.05))
        world.kill(engine)


def killed_among_commands(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends in the middle of what an operator does, or a little later."""
    with world.living(activities, chance) as engine:
        world.await_ready(engine)
        _wait_for(engine, lambda: world.commands, chance.randint(1, 3))
        _wait(engine, chance.uniform(0, 1.2))
        world.kill(engine)


def killed_around_an_outage(world: World, activities: Sequence[Activity], chance: random.Random) -> None:
    """Ends while more waits than a window holds, or while that is being delivered."""
    with world.living(activities, chance) as engine:
        world.await_ready(engine)
        _wait_for(engine, lambda: world.spills, 1)
        _wait(engine, chance.uniform(0, 1.2))
        world.kill(engine)


def _wait_for(engine: EngineProcess, count: Callable[[], int], more: int) -> None:
    """Wait until a count has grown by so much, at most as long as a life may last."""
    enough = count() + more
    end = time.monotonic() + LONGEST_SECONDS
    while count() < enough and time.monotonic() < end:
        _look_again(engine)


def _wait(engine: EngineProcess, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _look_again(engine)


def _look_again(engine: EngineProcess) -> None:
    assert engine.alive, f"the engine ended by itself:\n{engine.output}"
    time.sleep(LOOK_AGAIN_SECONDS)
