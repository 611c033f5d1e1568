"""The long torture: every situation in turn, with fresh seeds, until the time is over or something breaks.

    make torture MINUTES=10
    make torture MINUTES=10 STORE=postgres                       on the server of MEFOR_TEST_POSTGRES, or one of its own
    make torture MINUTES=0 SEED=7 ARGS="--situation spilled"     one round, as it was before

Each round is one store and one engine that is killed so often in a row, then stops in order and is judged. A round that
has begun is ended. Exit code 0 when every promise was kept; 1 at the first that was not, whose directory is kept.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from tests.acceptance.sending import accepted_ids
from tests.acceptance.torture_partner import ACCEPTED
from tests.acceptance.torture_situations import SITUATIONS, Situation, tortured
from tests.acceptance.torture_stores import SqliteStores
from tests.acceptance.torture_verdict import Figures, figures, verdict
from tests.postgres.torture_store import PostgresStores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.acceptance.torture_stores import StoreKind, TortureStore
    from tests.acceptance.torture_world import World

    Go = Callable[["Round", Path, "Picture"], list[str]]

KILLS = 25
INTERRUPTED = 130

STORES: dict[str, Callable[[], StoreKind]] = {kind.name: kind for kind in (SqliteStores, PostgresStores)}


@dataclass(frozen=True, slots=True)
class Round:
    """One round to go: with the same seed, chance chooses the same moments again."""

    situation: Situation
    seed: int
    kills: int
    stores: StoreKind

    @property
    def again(self) -> str:
        """The command that repeats it."""
        store = "" if self.stores.name == SqliteStores.name else f"STORE={self.stores.name} "
        options = f"--situation {self.situation.name}"
        if self.kills != KILLS:
            options += f" --kills {self.kills}"
        return f'make torture MINUTES=0 SEED={self.seed} {store}ARGS="{options}"'


class Picture:
    """The line that says how far it is; on a terminal it moves, elsewhere there is one line a round."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._began = time.monotonic()
        self.worst = 0

    @contextmanager
    def moving(self) -> Iterator[None]:
        """While this lasts, the line moves if it can."""
        if not self._console.is_terminal:
            yield
            return
        with Live("", console=self._console, transient=True, refresh_per_second=4) as self._live:
            yield

    def show(self, going: Round, so_far: Figures) -> None:
        """After a kill."""
        if self._live is not None:
            self._live.update(self._line(going, so_far))

    def done(self, going: Round, found: Figures) -> None:
        """After a round that was well."""
        self.worst = max(self.worst, found.worst)
        self._console.print(f"[green]ok[/] {self._line(going, found)}", highlight=False, soft_wrap=True)

    def _line(self, going: Round, found: Figures) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return (
            f"{minutes:3}:{seconds:02}  {going.situation.name:<10} seed {going.seed:<10} kills {found.kills:>2}/"
            f"{going.kills}  acked {found.accepted:>6}  delivered {found.delivered:>6}  dead {found.dead:>4}  "
            f"duplicates {found.duplicates:>4}  worst {max(self.worst, found.worst):>2}"
        )


def so_far(world: World) -> Figures:
    """What can be said before the end: duplicates are then messages that were taken once more, for any reason."""
    taken = Counter(
        (lane, arrival.control_id)
        for lane, partner in world.partners.items()
        for arrival in list(partner.arrivals)
        if arrival.code == ACCEPTED
    )
    accepted = len(accepted_ids(*world.journals)) + len(world.dropped)
    return Figures(len(world.lives), accepted, 0, len(taken), 0, taken.total() - len(taken), 0)


def run(going: Round, directory: Path, picture: Picture) -> list[str]:
    """One round in a directory: what is wrong in the end. The store stays when anything is."""
    store = going.stores.in_directory(directory)
    broken: list[str] = []
    try:
        broken = _run(going, directory, store, picture)
    finally:
        if not broken:
            store.remove()
    return broken


def _run(going: Round, directory: Path, store: TortureStore, picture: Picture) -> list[str]:
    try:
        with tortured(
            going.situation,
            directory,
            kills=going.kills,
            seed=going.seed,
            told=lambda world: picture.show(going, so_far(world)),
            store=store,
        ) as world:
            evidence = world.evidence()
    except Exception as broken:  # noqa: BLE001 - whatever it is, the round is to be kept and repeated
        return [f"{type(broken).__name__}: {broken}"]
    found, broken_promises = figures(evidence), verdict(evidence)
    if not broken_promises:
        picture.done(going, found)
    return broken_promises


def main(argv: Sequence[str] | None = None, go: Go = run) -> int:
    """Run from the command line; the exit code. `go` does one round and gives what is wrong in the end."""
    options = _parser().parse_args(argv)
    stores = STORES[options.store]()
    try:
        return _rounds(options, stores, go)
    finally:
        stores.close()


def _rounds(options: argparse.Namespace, stores: StoreKind, go: Go) -> int:
    situations = [each for each in SITUATIONS if options.situation in (None, each.name)]
    console = Console(width=None if sys.stdout.isatty() else 200)
    picture = Picture(console)
    end = time.monotonic() + options.minutes * 60
    rounds = 0
    with picture.moving():
        while not rounds or time.monotonic() < end:
            going = Round(situations[rounds % len(situations)], options.seed + rounds, options.kills, stores)
            prefix = f"torture-{going.situation.name}-{going.seed}-"
            directory = Path(tempfile.mkdtemp(prefix=prefix, dir=options.directory))
            try:
                broken = go(going, directory, picture)
            except KeyboardInterrupt:
                shutil.rmtree(directory)
                return INTERRUPTED
            if broken:
                _tell(console, going, directory, broken)
                return 1
            shutil.rmtree(directory)
            rounds += 1
    console.print(f"{rounds} rounds, nothing lost; worst: {picture.worst} repeated after one kill in a lane")
    return 0


def _tell(console: Console, going: Round, directory: Path, broken: Sequence[str]) -> None:
    console.print(f"[red]broken[/] in {going.situation.name}, seed {going.seed}:", highlight=False)
    for sentence in broken:
        console.print(f"  {sentence}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"The store: {going.stores.whereabouts(directory)}", highlight=False, soft_wrap=True)
    console.print(f"Every log: {directory}", highlight=False, soft_wrap=True)
    console.print(f"Once more:  {going.again}", highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make torture", description="Kill an engine under load, over and over.")
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="begin no round after so long; one is run in any case")
    add("--seed", type=int, default=secrets.randbelow(1 << 31), help="of the first round; those after it count on")
    add("--kills", type=int, default=KILLS, help="in a row, in one round (default %(default)s)")
    add("--store", choices=list(STORES), default=SqliteStores.name, help="its database (default %(default)s)")
    add("--situation", choices=[situation.name for situation in SITUATIONS], help="this one alone")
    add("--directory", help="where rounds have their directories; the system's temporary directory unless given")
    return parser


if __name__ == "__main__":
    sys.exit(main())
