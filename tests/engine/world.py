"""A running engine over a real SQLite store, with toy connectors on both ends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.specs import ConnectorSpec
from messagefoundry.contracts.stores import MessageRow, StoreLocation, StoreReader, TrailEvent, WorkRow
from messagefoundry.engine.operations import Operations
from messagefoundry.engine.plan import Plan
from messagefoundry.engine.run import run
from messagefoundry.plugins import Installed
from messagefoundry.wiring.graph import Graph, Handler, Inbound, Outbound, Router
from messagefoundry.wiring.values import RetryPolicy, Send
from messagefoundry_sqlite.factory import SQLITE
from tests.engine.toy import SPEC, Partner, Sender, ToySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from messagefoundry.contracts.settings import ConnectorSettings
    from messagefoundry.engine.engine import Engine

QUICK = RetryPolicy(backoff_seconds=0.01, max_backoff_seconds=0.05)


def adt(control_id: str, *, text: str = "X") -> bytes:
    """A small message."""
    return f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|P|2.5.1\rPID|1||{text}\r".encode()


def control_id_of(raw: bytes) -> str:
    """MSH-10 of a message."""
    return raw.split(b"\r")[0].split(b"|")[9].decode()


@dataclass
class World:
    """What a test wires: by default one inbound, one Router, one Handler, one lane."""

    folder: Path
    senders: dict[str, Sender] = field(default_factory=dict)
    partners: dict[str, Partner] = field(default_factory=dict)
    inbounds: dict[str, Inbound] = field(default_factory=dict)
    outbounds: dict[str, Outbound] = field(default_factory=dict)
    routers: dict[str, Router] = field(default_factory=dict)
    handlers: dict[str, Handler] = field(default_factory=dict)

    @property
    def location(self) -> StoreLocation:
        """The store."""
        return StoreLocation(path=str(self.folder / "engine.db"), synchronous="normal")

    def inbound(self, name: str = "IB", *, router: str = "route", **options: Any) -> Sender:
        """Declare an inbound; gives its sender."""
        sender = self.senders.setdefault(name, Sender())
        toy = {key: options.pop(key) for key in ("reply_from", "reply_timeout") if key in options}
        self.inbounds[name] = Inbound(name, SPEC, ToySettings(sender=sender, **toy), router, HL7V2, **options)
        return sender

    def internal(self, name: str, settings: ConnectorSettings, *, router: str = "route") -> None:
        """Declare an inbound that receives from the engine itself."""
        spec = ConnectorSpec(name, "", "", inbound="messagefoundry.internal:InternalInbound")
        self.inbounds[name] = Inbound(name, spec, settings, router, HL7V2)

    def outbound(self, name: str = "OB", **options: Any) -> Partner:
        """Declare an outbound; gives its partner."""
        partner = self.partners.setdefault(name, Partner())
        toy = {key: options.pop(key) for key in ("reingress_to",) if key in options}
        self.outbounds[name] = Outbound(name, SPEC, ToySettings(partner=partner, **toy), **{"retry": QUICK, **options})
        return partner

    def router(self, function: Callable[[Any], Any], name: str = "route") -> None:
        """Declare a Router."""
        self.routers[name] = Router(name, function)

    def handler(self, function: Callable[[Any], Any], name: str = "handle", **options: Any) -> None:
        """Declare a Handler."""
        self.handlers[name] = Handler(name, function, **options)

    def simple(self) -> tuple[Sender, Partner]:
        """One of each, passing everything on unedited."""
        self.router(lambda msg: "handle")
        self.handler(lambda msg: Send("OB", msg))
        return self.inbound(), self.outbound()

    @property
    def graph(self) -> Graph:
        """What is declared, frozen."""
        return Graph(dict(self.inbounds), dict(self.outbounds), dict(self.routers), dict(self.handlers))

    def plan(self, **options: Any) -> Plan:
        """The plan to run it."""
        return Plan(self.graph, lambda: self.graph, Installed(), SQLITE, self.location, **options)

    @asynccontextmanager
    async def running(self, *, crash: bool = False, **options: Any) -> AsyncIterator[Engine]:
        """The engine, until the block ends; with `crash` it ends without any goodbye."""
        async with trio.open_nursery() as nursery:
            engine: Engine = await nursery.start(run, self.plan(**options))
            yield engine
            if crash:
                nursery.cancel_scope.cancel()
            engine.stop()

    def read(self, look_up: Callable[[StoreReader], Any]) -> Any:
        """Look something up in the store."""
        reader = SQLITE.reader(self.location, Plaintext())
        try:
            return look_up(reader)
        finally:
            reader.close()

    def message(self, message_id: int) -> MessageRow:
        """A message's row."""
        row: MessageRow = self.read(lambda reader: reader.message(message_id))
        return row

    def disposition(self, message_id: int | None) -> str:
        """A message's disposition."""
        assert message_id is not None
        return self.message(message_id).disposition

    def work(self, message_id: int | None) -> list[WorkRow]:
        """A message's work."""
        rows: list[WorkRow] = self.read(lambda reader: reader.work(message_id or 0))
        return rows

    def trail(self, message_id: int | None) -> list[TrailEvent]:
        """A message's trail."""
        events: list[TrailEvent] = self.read(lambda reader: reader.trail(message_id or 0))
        return events

    async def becomes(self, message_id: int | None, disposition: str) -> None:
        """Wait until a message has a disposition."""
        await until(lambda: self.disposition(message_id) == disposition)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something that has no event of its own is so: a row of the store, the state of a lane."""
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - the store has no events
            await trio.sleep(0.01)


def operations(engine: Engine) -> Operations:
    """What operators can do to a running engine."""
    return Operations(engine.committer, engine.lanes, engine.flows, engine.connections, engine.deliveries)


def with_graph(engine: Engine, graph: Graph) -> None:
    """Let the next reload find another graph."""
    engine.plan = replace(engine.plan, load=lambda: graph)
