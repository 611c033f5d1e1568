"""The fakes in the place of the real parts: a message goes through the engine without a socket or a disk."""

from __future__ import annotations

import trio

import messagefoundry.testing as kit
from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.engine.plan import Plan
from messagefoundry.engine.run import run
from messagefoundry.plugins import Installed
from messagefoundry.testing import MEMORY_CONNECTOR, Desk, MemoryNetwork, MemorySettings, MemoryStores
from messagefoundry.wiring.graph import Graph, Handler, Inbound, Outbound, Router
from messagefoundry.wiring.values import Send
from tests.testing.in_memory import MemoryPartner

ADT = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|C1|P|2.5.1\rPID|1||77\r"


def feed(network: MemoryNetwork) -> Graph:
    """From the place "here" to the place "lab"."""
    here, lab = MemorySettings(network=network, place="here"), MemorySettings(network=network, place="lab")
    return Graph(
        {"IB": Inbound("IB", MEMORY_CONNECTOR, here, "route", HL7V2)},
        {"OB": Outbound("OB", MEMORY_CONNECTOR, lab)},
        {"route": Router("route", lambda msg: "pass")},
        {"pass": Handler("pass", lambda msg: Send("OB", msg))},
    )


async def test_a_message_goes_through_the_engine() -> None:
    partner, desk, stores = MemoryPartner(), Desk(), MemoryStores()
    location = StoreLocation(backend="memory", path="engine")
    graph = feed(partner.network)
    async with partner.partner(desk), trio.open_nursery() as nursery:
        engine = await nursery.start(run, Plan(graph, lambda: graph, Installed(), stores, location))
        peer = partner.network.connect("here")
        peer.send(ADT)
        reply = await peer.receive()
        assert reply is not None
        assert b"MSA|AA|C1" in reply
        await desk.until(lambda: desk.taken == [ADT])
        engine.stop()
    assert stores.reader(location, Plaintext()).dispositions() == {"PROCESSED": 1}


def test_every_name_of_the_kit_is_there() -> None:
    assert all(getattr(kit, name) is not None for name in kit.__all__)
    for reference in (MEMORY_CONNECTOR.factory, MEMORY_CONNECTOR.settings):
        assert load(reference)
