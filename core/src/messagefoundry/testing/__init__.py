"""The conformance kit for plugins, and working parts for tests.

Inherit from the class of your kind of plugin, give it a fixture `subject`, and run pytest: every clause that the
engine relies on is one small test.

    from messagefoundry.testing import OutboundConformance

    class TestMyConnector(OutboundConformance):
        @pytest.fixture
        def subject(self) -> MySubject:
            return MySubject()

It comes with `pip install 'messagefoundry-core[testing]'`. Names are imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry.testing.alert_sinks import AlertSinkConformance, AlertSinkSubject
    from messagefoundry.testing.batch_codecs import BatchCodecConformance, BatchCodecSubject
    from messagefoundry.testing.batch_exchanges import BatchSubject
    from messagefoundry.testing.batches import BatchConformance
    from messagefoundry.testing.ciphers import CipherConformance, CipherSubject
    from messagefoundry.testing.codecs import CodecConformance, CodecSubject
    from messagefoundry.testing.conformance import Conformance, clause
    from messagefoundry.testing.desk import Answer, Desk
    from messagefoundry.testing.exchanges import OutboundSubject
    from messagefoundry.testing.inbound import InboundConformance
    from messagefoundry.testing.memory.connectors import (
        MEMORY_CONNECTOR,
        Memory,
        MemoryInbound,
        MemoryOutbound,
        MemorySettings,
    )
    from messagefoundry.testing.memory.network import MemoryNetwork
    from messagefoundry.testing.memory.store import MEMORY, MemoryStore, MemoryStores
    from messagefoundry.testing.outbound import OutboundConformance
    from messagefoundry.testing.ports import free_port, free_ports
    from messagefoundry.testing.receiving import InboundPeer, InboundSubject
    from messagefoundry.testing.recorders import AGAIN, NO, YES, InboundRecorder, OutboundRecorder
    from messagefoundry.testing.reference_sources import ReferenceSourceConformance, ReferenceSourceSubject
    from messagefoundry.testing.stores import StoreConformance, StoreSubject

__all__ = [
    "AGAIN",
    "MEMORY",
    "MEMORY_CONNECTOR",
    "NO",
    "YES",
    "AlertSinkConformance",
    "AlertSinkSubject",
    "Answer",
    "BatchCodecConformance",
    "BatchCodecSubject",
    "BatchConformance",
    "BatchSubject",
    "CipherConformance",
    "CipherSubject",
    "CodecConformance",
    "CodecSubject",
    "Conformance",
    "Desk",
    "InboundConformance",
    "InboundPeer",
    "InboundRecorder",
    "InboundSubject",
    "Memory",
    "MemoryInbound",
    "MemoryNetwork",
    "MemoryOutbound",
    "MemorySettings",
    "MemoryStore",
    "MemoryStores",
    "OutboundConformance",
    "OutboundRecorder",
    "OutboundSubject",
    "ReferenceSourceConformance",
    "ReferenceSourceSubject",
    "StoreConformance",
    "StoreSubject",
    "clause",
    "free_port",
    "free_ports",
]

_PLACES = {
    "alert_sinks": ("AlertSinkConformance", "AlertSinkSubject"),
    "batch_codecs": ("BatchCodecConformance", "BatchCodecSubject"),
    "batch_exchanges": ("BatchSubject",),
    "batches": ("BatchConformance",),
    "ciphers": ("CipherConformance", "CipherSubject"),
    "codecs": ("CodecConformance", "CodecSubject"),
    "conformance": ("Conformance", "clause"),
    "desk": ("Answer", "Desk"),
    "exchanges": ("OutboundSubject",),
    "inbound": ("InboundConformance",),
    "memory.connectors": ("MEMORY_CONNECTOR", "Memory", "MemoryInbound", "MemoryOutbound", "MemorySettings"),
    "memory.network": ("MemoryNetwork",),
    "memory.store": ("MEMORY", "MemoryStore", "MemoryStores"),
    "outbound": ("OutboundConformance",),
    "ports": ("free_port", "free_ports"),
    "receiving": ("InboundPeer", "InboundSubject"),
    "recorders": ("AGAIN", "NO", "YES", "InboundRecorder", "OutboundRecorder"),
    "reference_sources": ("ReferenceSourceConformance", "ReferenceSourceSubject"),
    "stores": ("StoreConformance", "StoreSubject"),
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"messagefoundry.testing.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
