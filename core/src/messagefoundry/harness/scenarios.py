"""What is compared with what: each scenario is some comparisons of two sides that differ in one thing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .cases import Case
from .feeds import Feed
from .stores import Database
from .subject import Subject
from .verdict import Comparison

MEGABYTE = 1_000_000
PAIRS = 100
FANOUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the caller has decided, and what has been measured so far."""

    engine: Subject
    floor: Subject | None
    """None: the engine alone, without a comparison"""
    database: Database | None = None
    """None: SQLite files alone"""
    added_ms: float = 5.0
    """added to each round trip to a far database"""
    connections: Sequence[int] = (8, 32)
    rate: float | None = None
    fanout: int = 1
    stored: int = 1_000_000
    backlog: int = 200_000
    seeded: Callable[[int], Path]
    """makes a store with so many messages"""
    measured: list[Comparison] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        """Return the engine on the server database, if there is one, else on a file."""
        return self.engine if self.database is None else self.engine.on(self.database)


Sides = tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name for the command line, a sentence for people, and what is compared."""

    name: str
    says: str
    comparisons: Callable[[Setting], Iterator[Sides]]
    once: bool = False
    """run once, however many pairs are asked for: nothing is compared"""
    servers: bool = False
    """needs a server database"""


def _full(setting: Setting) -> Iterator[Sides]:
    for connections in setting.connections:
        yield _against_the_floor(setting, connections, setting.rate)


def _half_load(setting: Setting) -> Iterator[Sides]:
    """Offer half of what the slower side has just carried; without such a measurement, nothing."""
    for comparison in setting.measured:
        carried = comparison.figures.get("msg/s") if comparison.scenario == "full" else None
        if carried is not None and carried.right is not None:
            yield _against_the_floor(setting, comparison.connections, round(min(carried.left, carried.right) / 2))


def _against_the_floor(setting: Setting, connections: int, rate: float | None) -> Sides:
    feed = Feed(fanout=setting.fanout)
    engine = Case(name="engine", subject=setting.subject, connections=connections, rate=rate, feed=feed)
    return (engine,) if setting.floor is None else (engine, replace(engine, name="floor", subject=setting.floor))


def _stores(setting: Setting) -> Iterator[Sides]:
    if (database := setting.database) is not None:
        for connections in setting.connections:
            file = Case(name="SQLite", subject=setting.engine, connections=connections)
            yield replace(file, name=database.name, subject=setting.subject), file


def _far(setting: Setting) -> Iterator[Sides]:
    if (database := setting.database) is not None:
        near = Case(name="local socket", subject=setting.subject, connections=max(setting.connections))
        far = setting.engine.on(database, setting.added_ms)
        yield replace(near, name=f"{setting.added_ms:g} ms added", subject=far), near


def _stored(setting: Setting) -> Iterator[Sides]:
    empty = Case(name="empty store", subject=setting.subject)
    yield replace(empty, name=f"{setting.stored:,} stored", store=setting.seeded(setting.stored)), empty


def _fan_out(setting: Setting) -> Iterator[Sides]:
    one = Case(name="1 outbound", subject=setting.subject)
    yield replace(one, name=f"{FANOUT} outbounds", feed=Feed(fanout=FANOUT)), one


def _dedupe(setting: Setting) -> Iterator[Sides]:
    without = Case(name="without", subject=setting.subject)
    yield replace(without, name="dedupe", feed=Feed(dedupe=True)), without


def _hundred(setting: Setting) -> Iterator[Sides]:
    one = Case(name="1 pair", subject=setting.subject, connections=PAIRS)
    yield replace(one, name=f"{PAIRS} pairs", feed=Feed(pairs=PAIRS)), one


def _burning(setting: Setting) -> Iterator[Sides]:
    alone = Case(name="alone", subject=setting.subject)
    yield replace(alone, name="beside burning", feed=Feed(burning=True)), alone


def _document(setting: Setting) -> Iterator[Sides]:
    small = Case(name="1 MB", subject=setting.subject, connections=1, size=MEGABYTE)
    yield replace(small, name="5 MB", size=5 * MEGABYTE), small


def _backlog(setting: Setting) -> Iterator[Sides]:
    yield (Case(name=f"{setting.backlog:,} waiting", subject=setting.subject, connections=32, backlog=setting.backlog),)


SCENARIOS = (
    Scenario("full", "The engine against the floor, as fast as answers allow.", _full),
    Scenario(
        "half-load",
        "Both at the same rate: half of what the slower one carried. A message's latency counts from when it was due,"
        " sent late or not.",
        _half_load,
    ),
    Scenario("stores", "On a server database, a local socket away, against an SQLite file.", _stores, servers=True),
    Scenario(
        "far",
        "Some milliseconds added to every round trip between engine and server, against the same server on a local"
        " socket.",
        _far,
        servers=True,
    ),
    Scenario("stored", "On a store with a long history, all of it PROCESSED, against an empty one.", _stored),
    Scenario("fan-out", "Every message to several outbounds, against one.", _fan_out),
    Scenario("dedupe", "An inbound that tells repeats, none of which comes, against one that does not.", _dedupe),
    Scenario("hundred", "Many pairs of inbound and outbound, a sender each, against one with as many.", _hundred),
    Scenario("burning", "Another Connection's Handler keeps a core busy, against nothing beside.", _burning),
    Scenario("document", "A large OBX-5 against one a fifth as large, one sender.", _document),
    Scenario(
        "backlog",
        "The partner is away while messages gather, then returns; memory beyond that of before.",
        _backlog,
        once=True,
    ),
)
"""In the order in which they are run."""

MAIN = ("full", "half-load")
"""What is run unless other scenarios are asked for."""

MAIN_ON_SERVER = ("stores", "far")
"""The same with a server database."""

ALL_ON_SERVER = (*MAIN_ON_SERVER, "backlog")
"""What `all` means with a server database; of the others each can be asked for by name, but `stored`."""


def named(names: Sequence[str], *, server: bool = False) -> list[Scenario]:
    """Return the scenarios of these names; `all` stands for those of a server database, or for those without one.

    Raises ValueError naming one that is unknown, or that needs a server.
    """
    known = [scenario.name for scenario in SCENARIOS]
    if unknown := [name for name in names if name not in [*known, "all"]]:
        raise ValueError(f"there is no scenario {unknown[0]!r}; there are {', '.join(known)}")
    if "all" in names:
        names = [*names, *(ALL_ON_SERVER if server else _of_files())]
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in names]
    if not server and (needing := [scenario.name for scenario in scenarios if scenario.servers]):
        raise ValueError(f"the scenario {needing[0]!r} needs a server database: make bench STORE=postgres")
    return scenarios


def _of_files() -> list[str]:
    return [scenario.name for scenario in SCENARIOS if not scenario.servers]
