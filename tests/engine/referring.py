"""A world whose Handlers look reference sets up, over real files, and sources that do what a test tells them."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.settings import ReferenceSettings
from messagefoundry.contracts.specs import ReferenceSourceSpec
from messagefoundry.wiring.graph import DeclaredReference, Graph
from messagefoundry.wiring.reference_files import FileSettings
from messagefoundry.wiring.reference_sets import reference
from messagefoundry.wiring.values import Send
from tests.engine.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from messagefoundry.contracts.stores import KeptReference
    from messagefoundry.engine.engine import Engine
    from tests.engine.toy import Partner, Sender

HERE = "tests.engine.referring"
FILES = "messagefoundry.wiring.reference_files"
FILE_REF = ReferenceSourceSpec("FileRef", f"{FILES}:FileRef", f"{FILES}:FileSettings", f"{FILES}:FileSource")
SCRIPTED = ReferenceSourceSpec("Scripted", f"{HERE}:none", f"{HERE}:ScriptSettings", f"{HERE}:Scripted")


class ScriptSettings(ReferenceSettings):
    """Settings that carry what a test has the source do."""

    act: Any

    def place(self) -> str:
        """A script is nowhere."""
        return "script"


class Scripted:
    """A source that does what the test says."""

    def __init__(self, settings: ScriptSettings, directory: Path) -> None:
        self._act: Callable[[], Mapping[str, Any]] = settings.act

    def read(self) -> Mapping[str, Any]:
        """Act."""
        return self._act()


class Gate:
    """A source that gives nothing before it is opened."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> Mapping[str, Any]:
        self.asked.set()
        self.opened.wait()
        return {"X": "opened"}


@dataclass
class ReferringWorld(World):
    """A world with reference sets."""

    references: dict[str, DeclaredReference] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        """What is declared, frozen."""
        return replace(super().graph, references=dict(self.references))

    def file(self, name: str, text: str, **options: Any) -> Path:
        """Declare a set and write its file; gives the file."""
        self.declare(name, FILE_REF, FileSettings(path=f"{name}.csv"), **options)
        path = self.folder / f"{name}.csv"
        path.write_text(text)
        return path

    def script(self, name: str, act: Callable[[], Mapping[str, Any]], **options: Any) -> None:
        """Declare a set whose source does what a test says."""
        self.declare(name, SCRIPTED, ScriptSettings(act=act), **options)

    def declare(self, name: str, spec: ReferenceSourceSpec, settings: ReferenceSettings, **options: Any) -> None:
        """Declare a set."""
        self.references[name] = DeclaredReference(name, spec, settings, self.folder, **options)

    def referring(self) -> tuple[Sender, Partner]:
        """An inbound whose Handler sends what the set `providers` has for PID-3."""

        def route(msg: Any) -> str:
            return "handle"

        def handle(msg: Any) -> Send:
            return Send("OB", str(reference("providers").get(msg["PID-3"])))

        self.router(route)
        self.handler(handle)
        return self.inbound(), self.outbound()

    def aside(self) -> tuple[Sender, Partner]:
        """An inbound that has nothing to do with reference sets."""

        def route(msg: Any) -> str:
            return "pass"

        self.router(route, "aside")
        self.handler(lambda msg: Send("OB_ASIDE", msg), "pass")
        return self.inbound("IB_ASIDE", router="aside"), self.outbound("OB_ASIDE")

    def kept(self, name: str = "providers") -> KeptReference | None:
        """The copy in the store."""
        found: KeptReference | None = self.read(lambda reader: reader.reference(name))
        return found

    def snapshot_id(self, name: str = "providers") -> int:
        """The id of the copy in the store, a new one for each content."""
        with closing(sqlite3.connect(self.location.path)) as store:
            ((found,),) = store.execute("SELECT snapshot_id FROM reference_set WHERE name = ?", (name,))
        return int(found)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the store from committing in the block."""
        with closing(sqlite3.connect(self.location.path, isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            yield

    def told(self, name: str = "providers") -> list[tuple[str, str]]:
        """The events of a set, kind and detail."""
        events = self.read(lambda reader: reader.connection_events(f"reference set {name}", 50))
        return [(event.kind, event.detail) for event in events]


def rows(engine: Engine, name: str = "providers") -> dict[str, Any]:
    """What Handlers find in a set."""
    return dict(engine.references.reference(name))


def state(engine: Engine, name: str = "IB") -> tuple[str, str]:
    """State and reason of a Connection."""
    supervised = engine.connections[name]
    return supervised.state, supervised.reason
