"""What goes on around an engine while it is tortured: senders, moody partners, operators."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.harness.generator import Generator, Load
from tests.acceptance.sending import LONG_SECONDS, accepted_ids, adt
from tests.acceptance.torture_partner import ACCEPTED, agreeable
from tests.acceptance.torture_verdict import REFUSED
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    import random

    from messagefoundry.harness.journal import Journal
    from tests.acceptance.engine_process import EngineProcess
    from tests.acceptance.torture_world import World

LAST_MESSAGES = 20
MOST_IN_INBOX = 100
INBOX_SECONDS = 60

WINDOW_BYTES = 8 << 20
"""What a lane holds in memory at most, by default."""


@dataclass(frozen=True)
class MllpLoad:
    """A sender that connects again whenever it was cut off. No message is ever sent twice."""

    size: int = 0
    """bytes of each message, at least 1,100"""

    def step(self, world: World, chance: random.Random) -> None:
        connections, window = chance.choice((1, 4, 8, 16)), chance.choice((1, 1, 4))
        self._send(world, f"S{chance.getrandbits(32):08x}", connections, window)

    def _send(self, world: World, prefix: str, connections: int, window: int, count: int | None = None) -> Journal:
        ports = (world.place.port,)
        seconds = LONG_SECONDS if count is None else None
        load = Load(
            prefix=prefix,
            ports=ports,
            connections=connections,
            window=window,
            count=count,
            seconds=seconds,
            size=self.size,
            ack_timeout=10,
        )
        generator = Generator(load)
        world.journals.append(generator.journal)
        try:
            generator.run()
        except OSError:
            world.over.wait(0.02)  # nobody listens now
        return generator.journal

    def end(self, world: World, engine: EngineProcess) -> None:
        journal = self._send(world, "SLAST", 2, 1, LAST_MESSAGES)
        assert len(accepted_ids(journal)) == LAST_MESSAGES, "the engine accepts messages again"


@dataclass(frozen=True)
class FileDrop:
    """Puts files into the inbox, each whole from the first moment on."""

    def step(self, world: World, chance: random.Random) -> None:
        waiting = sum(1 for _ in world.inbox.glob("*.hl7"))
        for _ in range(min(chance.randint(1, 20), MOST_IN_INBOX - waiting)):
            self._drop(world)
        world.over.wait(chance.uniform(0, 0.05))

    def _drop(self, world: World) -> None:
        control_id = f"F{len(world.dropped):08}"
        draft = world.inbox / f"{control_id}.draft"
        draft.write_bytes(adt(control_id))
        world.dropped.append(control_id)
        draft.rename(draft.with_suffix(".hl7"))

    def end(self, world: World, engine: EngineProcess) -> None:
        until(lambda: not any(world.inbox.glob("*.hl7")), "the inbox is empty", within=INBOX_SECONDS)


@dataclass(frozen=True)
class Naks:
    """Partners that answer AE for a while, or hang up, and are agreeable again."""

    def step(self, world: World, chance: random.Random) -> None:
        partner = world.partners[chance.choice(sorted(world.partners))]
        answer = chance.choice(("AE", "AE", "CE", ""))
        partner.mood = lambda control_id, earlier: answer
        world.over.wait(chance.uniform(0.02, 0.15))
        partner.mood = agreeable
        world.over.wait(chance.uniform(0.02, 0.3))

    def end(self, world: World, engine: EngineProcess) -> None:
        for partner in world.partners.values():
            partner.mood = agreeable


def refused_at_first(control_id: str, earlier: int) -> str:
    """AR for some messages at their first sight, and for very few always."""
    number = zlib.crc32(control_id.encode())
    return REFUSED if number % 101 == 0 or (number % 11 == 0 and not earlier) else ACCEPTED


@dataclass(frozen=True)
class Replays:
    """A partner that refuses, and an operator who replays the dead letters."""

    def step(self, world: World, chance: random.Random) -> None:
        for partner in world.partners.values():
            partner.mood = refused_at_first
        if not world.ready.is_set():
            world.over.wait(0.02)
            return
        self._replay(world, whole=chance.random() < 0.5)
        world.over.wait(chance.uniform(0, 0.2))

    def _replay(self, world: World, *, whole: bool) -> None:
        if whole:
            world.command("messages", "replay", "--disposition", "error", "--yes")
        else:
            world.command("dead-letters", "replay", "--all", "--yes")

    def end(self, world: World, engine: EngineProcess) -> None:
        """Once more by each command; then only those are dead that are always refused."""
        for whole in (False, True):
            world.await_rest(engine)
            self._replay(world, whole=whole)


@dataclass(frozen=True)
class Outages:
    """A partner that is away until more waits than a window holds, then comes back for a while."""

    message_bytes: int

    def step(self, world: World, chance: random.Random) -> None:
        lane = chance.choice(sorted(world.partners))
        world.partners[lane].leave()
        sent = sum(map(len, world.journals))
        enough = sent + WINDOW_BYTES // self.message_bytes + chance.randint(50, 200)
        while sum(map(len, world.journals)) < enough and not world.over.is_set():
            world.over.wait(0.01)
        world.spills += not world.over.is_set()
        world.over.wait(chance.uniform(0, 0.3))
        world.partners[lane].come_back()
        world.over.wait(chance.uniform(0.1, 0.8))

    def end(self, world: World, engine: EngineProcess) -> None:
        for partner in world.partners.values():
            partner.come_back()
        assert world.spills, "no outage was long enough to spill a lane"


@dataclass(frozen=True)
class Operator:
    """Stops Connections and starts them again."""

    connections: tuple[str, ...]

    def step(self, world: World, chance: random.Random) -> None:
        if not world.ready.is_set():
            world.over.wait(0.02)
            return
        if not world.held:
            world.held = chance.choice(self.connections)
            world.command("connections", "stop", world.held)
        if not world.over.wait(chance.uniform(0, 0.1)):
            world.command("connections", "start", world.held)
            world.held = "" if not world.over.is_set() else world.held

    def end(self, world: World, engine: EngineProcess) -> None:
        world.command("connections", "start", *self.connections)
