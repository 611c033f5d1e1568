"""One session: scenario after scenario, their sides in alternation, so that a drift of the machine favours neither."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .cases import Case, Conditions
from .measure import measure, store_of_run
from .measurement import Measurement
from .scenarios import Scenario, Setting
from .seed import seed
from .subject import Subject
from .verdict import Comparison, compare, faults

SAMPLE_MESSAGES = 2_000
"""what the engine itself stores before its rows are multiplied"""

Show = Callable[[Sequence[Measurement], str], None]
"""is given the runs of the present comparison, and what is being done"""


@dataclass(slots=True)
class Outcome:
    """What a session has measured."""

    runs: list[tuple[str, Measurement]] = field(default_factory=list)
    """with the scenario's name"""
    comparisons: list[Comparison] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run_session(
    scenarios: Sequence[Scenario], setting: Setting, pairs: int, conditions: Conditions, show: Show
) -> Outcome:
    """Run all scenarios; raises SubjectError when a subject does not start."""
    outcome = Outcome(comparisons=setting.measured)
    for scenario in scenarios:
        for sides in scenario.comparisons(setting):
            runs = list(_alternate(scenario, sides, 1 if scenario.once else pairs, conditions, show))
            outcome.runs += [(scenario.name, run) for pair in runs for run in pair]
            outcome.comparisons.append(compare(scenario.name, runs, sides[0].rate))
            outcome.faults += [f"{scenario.name}: {fault}" for pair in runs for fault in faults(pair)]
    return outcome


def _alternate(
    scenario: Scenario, sides: Sequence[Case], pairs: int, conditions: Conditions, show: Show
) -> Iterator[list[Measurement]]:
    """Yield pairs of runs, each in the order of the sides; who goes first changes from pair to pair."""
    done: list[Measurement] = []
    for pair in range(1, pairs + 1):
        runs: dict[str, Measurement] = {}
        for side in sides if pair % 2 else sides[::-1]:
            head = f"{scenario.name}, pair {pair} of {pairs}: {side.name}, {side.connections} connections"

            def progress(text: str, head: str = head) -> None:
                show(done, f"{head}, {text}")

            runs[side.name] = measure(side, pair, conditions, progress)
            done.append(runs[side.name])
        yield [runs[side.name] for side in sides]


@contextmanager
def seeded_stores(subject: Subject, conditions: Conditions, show: Show) -> Iterator[Callable[[int], Path]]:
    """Give what makes a store with a history; the stores are removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="mefor-seed-", dir=conditions.parent))

    def seeded(messages: int) -> Path:
        store = directory / f"{messages}.db"
        show([], f"seeding a store with {messages:,} messages")
        store_of_run(Case(name="sample", subject=subject), min(SAMPLE_MESSAGES, messages), conditions, store)
        seed(store, messages)
        return store

    try:
        yield seeded
    finally:
        shutil.rmtree(directory, ignore_errors=True)
