"""The fakes keep every clause: they are models for authors, and tests of pipelines rely on them."""

from __future__ import annotations

from typing import ClassVar

import pytest

from messagefoundry.testing import InboundConformance, OutboundConformance, StoreConformance
from tests.testing.in_memory import InMemory, MemoryPartner, MemoryPlace


class TestMemoryOutbound(OutboundConformance):
    @pytest.fixture
    def subject(self) -> MemoryPartner:
        return MemoryPartner()


class TestMemoryInbound(InboundConformance):
    not_applicable: ClassVar = {
        "test_keeps_to_the_allowlist": "peers in memory have no address",
        "test_half_a_message_is_none": "a message of the network in memory arrives whole or not at all",
        "test_what_was_not_committed_is_received_after_a_restart": "the sender keeps what was not accepted",
    }

    @pytest.fixture
    def subject(self) -> MemoryPlace:
        return MemoryPlace()


class TestMemoryStore(StoreConformance):
    not_applicable: ClassVar = {
        "test_a_commit_survives_a_killed_process": "a store in memory ends with its process",
        "test_a_hold_ends_with_its_process": "a store in memory is in one process alone",
    }

    @pytest.fixture
    def subject(self) -> InMemory:
        return InMemory()
