"""The situations in which an engine is killed. Each says what is wired, what goes on, and which lives follow."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.acceptance import torture_services
from tests.acceptance.torture_activities import (
    FileDrop,
    MllpLoad,
    Naks,
    Operator,
    Outages,
    Replays,
)
from tests.acceptance.torture_lives import (
    killed_among_commands,
    killed_around_an_outage,
    killed_under_load,
    killed_while_creating,
    killed_while_starting,
)
from tests.acceptance.torture_releases import killed_while_upgrading, upgrade_at_last, whole
from tests.acceptance.torture_verdict import UNSETTLED
from tests.acceptance.torture_world import World, world_in
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.torture_lives import Life
    from tests.acceptance.torture_stores import TortureStore
    from tests.acceptance.torture_world import Activity

BIG = 40_000
"""Bytes of a message of which a few hundred fill the window of a lane."""

ORDINARY: tuple[Life, ...] = (killed_under_load, killed_while_starting, killed_under_load, killed_under_load)


@dataclass(frozen=True)
class Situation:
    """`lanes` are MLLP outbounds with a partner each, `folders` File outbounds; every message goes to all of them.

    `lives` follow each other, from the first one again when there are more kills. The last life, which is not killed,
    is one of a newer release when the situation `upgrades`.
    """

    name: str
    activities: tuple[Activity, ...] = (MllpLoad(),)
    lanes: tuple[str, ...] = ("OB_MLLP",)
    folders: tuple[str, ...] = ("OB_FILE",)
    lives: tuple[Life, ...] = ORDINARY
    upgrades: bool = False
    unsettled: int = UNSETTLED
    short: int = 1
    """kills of the short form"""
    module: Callable[[World], str] | None = None
    """makes the module of the configuration, when it is another one"""
    broken: Callable[[World], list[str]] = lambda world: []
    """what the store must say besides, in the end"""

    def wiring(self, world: World) -> str:
        """The module of the configuration; braces are doubled, for `Place.configure`."""
        if self.module is not None:
            return self.module(world)
        lines = ['inbound("IB", MLLP(port={port}), router="to_all")']
        if any(isinstance(activity, FileDrop) for activity in self.activities):
            lines.append(f'inbound("IB_FILE", File(directory="{world.inbox}", poll_seconds=0.05), router="to_all")')
        lines.append("soon = RetryPolicy(backoff_seconds=0.03, max_backoff_seconds=0.1)")
        for lane, partner in world.partners.items():
            lines.append(f'outbound("{lane}", MLLP(host="127.0.0.1", port={partner.port}), retry=soon)')
        for lane, folder in world.folders.items():
            lines.append(f'outbound("{lane}", File(directory="{folder}", filename="{{{{MSH-10}}}}.hl7"))')
        sends = ", ".join(f'Send("{lane}", msg)' for lane in (*self.lanes, *self.folders))
        return "\n".join([*lines, ROUTING.format(sends=sends)])


ROUTING = """
@router("to_all")
def to_all(msg):
    return "all"

@handler("all")
def all(msg):
    msg["MSH-5"] = "DOWNSTREAM"
    return [{sends}]
"""

FAN = ("OB_1", "OB_2", "OB_3")

SITUATIONS: tuple[Situation, ...] = (
    Situation("plain", lives=(killed_while_creating, *ORDINARY), short=3),
    Situation("fan-out", lanes=FAN, folders=(), unsettled=3, short=2),
    Situation("files", activities=(FileDrop(), MllpLoad())),
    Situation("retries", activities=(MllpLoad(), Naks())),
    Situation(
        "replays",
        activities=(MllpLoad(), Replays()),
        folders=(),
        lives=(killed_among_commands, killed_among_commands, killed_under_load),
    ),
    Situation(
        "spilled",
        activities=(MllpLoad(size=BIG), Outages(BIG)),
        folders=(),
        lives=(killed_around_an_outage, killed_under_load, killed_around_an_outage, killed_while_starting),
    ),
    Situation(
        "operator",
        activities=(MllpLoad(), Operator(("IB", "OB_1", "OB_2", "OB_FILE"))),
        lanes=FAN[:2],
        lives=(killed_among_commands, killed_among_commands, killed_while_starting),
    ),
    Situation(
        "migration",
        lives=(killed_under_load, killed_while_upgrading, killed_while_upgrading),
        upgrades=True,
        short=3,
    ),
    Situation(
        "services",
        activities=(
            MllpLoad(),
            torture_services.Stubborn(),
            torture_services.Batches(),
            torture_services.Reference(),
            Naks(),
        ),
        lanes=torture_services.LANES,
        folders=(),
        short=2,
        module=torture_services.module,
        broken=torture_services.broken,
    ),
    Situation(
        "everything",
        activities=(FileDrop(), MllpLoad(), Naks(), Operator(("IB", "IB_FILE", *FAN, "OB_FILE"))),
        lanes=FAN,
        lives=(killed_among_commands, killed_under_load, killed_while_upgrading, killed_while_starting),
        upgrades=True,
    ),
)
"""In the order in which `make torture` goes through them."""

Told = Callable[[World], None]


@contextmanager
def tortured(
    situation: Situation,
    directory: Path,
    *,
    kills: int,
    seed: int,
    told: Told = lambda world: None,
    store: TortureStore | None = None,
) -> Iterator[World]:
    """Live and be killed so often, then once more until nothing is left to do, and stop in order.

    The store is a file in `directory`, unless another one is given. `told` hears after every kill. Gives the world
    when all is over; raises AssertionError when an engine does not start, end or come to rest.
    """
    chance = random.Random(seed)
    with world_in(directory, situation.lanes, situation.folders, store) as world:
        world.unsettled = situation.unsettled
        settings = f"[pipeline]\nunsettled = {situation.unsettled}\n"
        world.place.configure(situation.wiring(world), settings=settings)
        for life in itertools.islice(itertools.cycle(situation.lives), kills):
            life(world, situation.activities, chance)
            told(world)
        live_to_the_end(situation, world, chance)
        yield world


def live_to_the_end(situation: Situation, world: World, chance: random.Random) -> None:
    """The last life: everything that goes on comes to its end, and the engine stops in order."""
    if situation.upgrades:
        upgrade_at_last(world)
    with world.living((), chance) as engine:
        world.await_ready(engine)
        for activity in reversed(situation.activities):  # a sender is listed before what troubles it
            activity.end(world, engine)
        world.await_rest(engine)
        until(engine.holds_nothing, "what is delivered is not in memory any more", within=10)
        assert engine.stop(within=60) == 0, engine.output
    world.complaints += situation.broken(world)
    if situation.upgrades:
        world.complaints += whole(world)
