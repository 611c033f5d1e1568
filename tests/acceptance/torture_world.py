"""The world of one torture: an engine that lives and dies, everybody around it, and what they remember."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tests.acceptance.engine_process import EngineProcess, run_command
from tests.acceptance.place import Place, place_in
from tests.acceptance.records import written_files
from tests.acceptance.sending import accepted_ids, sent_ids
from tests.acceptance.torture_books import books_of
from tests.acceptance.torture_partner import TorturePartner
from tests.acceptance.torture_stores import SqliteStore
from tests.acceptance.torture_verdict import UNSETTLED, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from messagefoundry.harness.journal import Journal
    from tests.acceptance.torture_services import SentBatch
    from tests.acceptance.torture_stores import TortureStore

JOIN_SECONDS = 60
STILL_SECONDS = 30
LOOK_AGAIN_SECONDS = 0.05


class Activity(Protocol):
    """Something that goes on around the engine. Frozen: what it remembers is in the world."""

    def step(self, world: World, chance: random.Random) -> None:
        """Do a little, in a thread; called again until the life is over."""

    def end(self, world: World, engine: EngineProcess) -> None:
        """In the last life, which is not killed: bring what this does to its end."""


@dataclass
class World:
    """Everything around one engine. `over` is set when a life ends, `ready` while the engine says it is."""

    place: Place
    store: TortureStore
    partners: dict[str, TorturePartner]
    folders: dict[str, Path]
    inbox: Path
    release_variables: dict[str, str] = field(default_factory=dict)
    """what makes the engine's next lives those of another release"""
    journals: list[Journal] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    """control ids that a sender sends until they are acknowledged, and once more"""
    unanswered: list[str] = field(default_factory=list)
    """those of them that it goes on to send"""
    batches: list[SentBatch] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    commands: int = 0
    """commands of operators that were begun"""
    spills: int = 0
    """outages that lasted until more waited than a window holds"""
    unsettled: int = UNSETTLED
    held: str = ""
    """the Connection that an operator has stopped"""
    upgrades: int = 0
    """upgrades that were complete although the engine was killed in them"""
    release: int = 0
    """how many synthetic releases the engine is ahead of today's"""
    over: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that engines and commands get besides those of this process."""
        return {**self.store.environment, **self.release_variables}

    @property
    def arrivals(self) -> int:
        """How often anything has arrived at a partner."""
        return sum(len(partner.arrivals) for partner in self.partners.values())

    @property
    def progress(self) -> int:
        """Grows with everything that is sent, put into the inbox, or arrives."""
        return sum(map(len, self.journals)) + len(self.dropped) + self.arrivals

    @contextmanager
    def living(self, activities: Sequence[Activity], chance: random.Random) -> Iterator[EngineProcess]:
        """One life, with activities around it; it ends by a kill, unless it has ended when the block does."""
        self.over.clear()
        self.ready.clear()
        self.lives.append(time.time_ns() // 1000)
        threads = [
            threading.Thread(target=self._act, args=(activity, random.Random(chance.getrandbits(64))))
            for activity in activities
        ]
        try:
            with EngineProcess(self.place, environment=self.environment) as engine:
                for thread in threads:
                    thread.start()
                yield engine
        finally:
            self.over.set()
            for thread in threads:
                thread.join(JOIN_SECONDS)
        self.complaints += [f"{thread.name} does not end" for thread in threads if thread.is_alive()]

    def _act(self, activity: Activity, chance: random.Random) -> None:
        try:
            while not self.over.is_set():
                activity.step(self, chance)
        except Exception as error:  # noqa: BLE001 - in a thread; the verdict tells it
            self.complaints.append(f"{type(activity).__name__} failed: {type(error).__name__}: {error}")

    def await_ready(self, engine: EngineProcess) -> None:
        """Wait until the engine is ready, and let operators begin."""
        engine.ready(within=60)
        self.ready.set()

    def kill(self, engine: EngineProcess) -> None:
        """Kill it. What fails from now on is no complaint."""
        self.over.set()
        engine.kill()

    def await_rest(self, engine: EngineProcess) -> None:
        """Wait until everything is delivered or dead. Raises AssertionError when nothing has moved for a while."""
        before, since = -1, time.monotonic()
        while not engine.at_rest():
            if self.arrivals != before:
                before, since = self.arrivals, time.monotonic()
            assert time.monotonic() - since < STILL_SECONDS, f"messages wait, and nothing moves for {STILL_SECONDS} s"
            time.sleep(LOOK_AGAIN_SECONDS)

    def command(self, *arguments: str) -> None:
        """Run a command as an operator does; it may fail when the engine dies under it."""
        self.commands += 1
        done = run_command(self.place, *arguments, within=60, environment=self.environment)
        if done.returncode and not self.over.is_set():
            self.complaints.append(
                f"{' '.join(arguments)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
            )

    def evidence(self) -> Evidence:
        """What everybody says, once the last engine has stopped."""
        return Evidence(
            books=books_of(self.store),
            sent=frozenset({*sent_ids(*self.journals), *self.repeated, *self._in_batches(answered=None)}),
            accepted=frozenset({*accepted_ids(*self.journals), *self.repeated, *self._in_batches(answered=True)}),
            dropped=frozenset(self.dropped),
            left=[path.name for path in _left_in(self.inbox)],
            arrivals={lane: tuple(partner.arrivals) for lane, partner in self.partners.items()},
            written={lane: written_files(folder) for lane, folder in self.folders.items()},
            lives=tuple(self.lives),
            unsettled=self.unsettled,
            complaints=tuple(self.complaints),
        )

    def _in_batches(self, *, answered: bool | None) -> Iterator[str]:
        for batch in self.batches:
            if answered is None or batch.answered is answered:
                yield from batch.control_ids


@contextmanager
def world_in(
    directory: Path, lanes: Sequence[str], folders: Sequence[str], store: TortureStore | None = None
) -> Iterator[World]:
    """A world in a directory, with a partner for each MLLP lane and a folder for each File lane.

    The store is a file in the directory, unless another one is given.
    """
    with ExitStack() as stack:
        partners = {lane: TorturePartner() for lane in lanes}
        for partner in partners.values():
            stack.callback(partner.leave)
        place = place_in(directory)
        world = World(
            place=place,
            store=store or SqliteStore(place.database),
            partners=partners,
            folders={lane: directory / lane.lower() for lane in folders},
            inbox=directory / "inbox",
        )
        for folder in (world.inbox, *world.folders.values()):
            folder.mkdir()
        yield world


def _left_in(inbox: Path) -> list[Path]:
    """Files that nobody has brought in, and those that were set aside."""
    return [*inbox.glob("*.hl7"), *inbox.glob(".error/*")]
