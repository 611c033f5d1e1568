from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from messagefoundry.harness.cases import Case
from messagefoundry.harness.scenarios import SCENARIOS, Scenario, Setting, named
from messagefoundry.harness.stores import Database, Store
from messagefoundry.harness.subject import engine, floor
from messagefoundry.harness.verdict import Comparison, Figure


@contextmanager
def somewhere(added_ms: float) -> Iterator[Store]:
    yield Store(variables={"PLACE": f"{added_ms:g} ms away"})


SERVER = Database(name="A server", says="of no version", store=somewhere)


def sides(
    name: str, measured: list[Comparison] | None = None, *, alone: bool = False, database: Database | None = SERVER
) -> list[tuple[Case, ...]]:
    """Return what a scenario compares."""
    setting = Setting(
        engine=engine(),
        floor=None if alone else floor(),
        database=database,
        seeded=lambda count: Path(f"{count}.db"),
        measured=measured or [],
    )
    (scenario,) = named([name], server=True)
    return list(scenario.comparisons(setting))


def place_of(case: Case) -> str:
    """Return where the store of a case would be."""
    with case.subject.store() as store:
        return store.variables.get("PLACE", "a file")


def carried(engine_per_second: float, floor_per_second: float, connections: int = 8) -> Comparison:
    figure = Figure(engine_per_second, floor_per_second, 0.5, 0.5, 0.5)
    return Comparison("full", connections, "engine", "floor", None, 5, 0, {"msg/s": figure})


def test_full_is_the_engine_against_the_floor_at_each_number_of_connections() -> None:
    compared = [(left.name, right.name, left.connections, right.connections) for left, right in sides("full")]
    assert compared == [("engine", "floor", 8, 8), ("engine", "floor", 32, 32)]


def test_without_a_floor_the_engine_runs_alone() -> None:
    assert [len(compared) for compared in sides("full", alone=True)] == [1, 1]


def test_half_load_is_half_of_what_the_slower_one_carried() -> None:
    found = sides("half-load", [carried(1000, 3000, 8), carried(4000, 3000, 32)])
    assert [(left.rate, right.rate, left.connections) for left, right in found] == [(500, 500, 8), (1500, 1500, 32)]


def test_half_load_needs_a_full_load_before_it() -> None:
    assert sides("half-load") == []


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name not in ("half-load", "backlog")])
def test_two_sides_differ_in_one_thing(scenario: Scenario) -> None:
    fields = ("subject", "connections", "rate", "size", "feed", "store", "backlog")
    for left, right in sides(scenario.name):
        assert left.name != right.name
        assert [getattr(left, field) == getattr(right, field) for field in fields].count(False) == 1


def test_the_hundred_pairs_have_one_sender_each() -> None:
    ((left, right),) = sides("hundred")
    assert (left.feed.pairs, left.connections, right.connections) == (100, 100, 100)


def test_a_seeded_store_is_made_for_the_scenario_that_needs_it() -> None:
    ((left, right),) = sides("stored")
    assert (left.store, right.store) == (Path("1000000.db"), None)


def test_stores_are_the_server_near_and_a_file() -> None:
    found = [[(side.name, place_of(side), side.connections) for side in pair] for pair in sides("stores")]
    assert found == [
        [("A server", "0 ms away", 8), ("SQLite", "a file", 8)],
        [("A server", "0 ms away", 32), ("SQLite", "a file", 32)],
    ]


def test_far_is_the_server_against_itself_at_the_most_connections() -> None:
    found = [[(side.name, place_of(side), side.connections) for side in pair] for pair in sides("far")]
    assert found == [[("5 ms added", "5 ms away", 32), ("local socket", "0 ms away", 32)]]


def test_what_else_is_measured_runs_on_the_server_if_there_is_one() -> None:
    for database, place in ((SERVER, "0 ms away"), (None, "a file")):
        ((waiting,),) = sides("backlog", database=database)
        assert place_of(waiting) == place


def test_names() -> None:
    assert [scenario.name for scenario in named(["all"])] == [
        *("full", "half-load", "stored", "fan-out", "dedupe", "hundred", "burning", "document", "backlog")
    ]
    assert [scenario.name for scenario in named(["all"], server=True)] == ["stores", "far", "backlog"]
    assert [scenario.name for scenario in named(["stored", "full"])] == ["full", "stored"], "in the order of running"
    with pytest.raises(ValueError, match="there is no scenario 'fast'; there are full, half-load"):
        named(["full", "fast"])
    with pytest.raises(ValueError, match="'far' needs a server database: make bench STORE=postgres"):
        named(["full", "far"])
