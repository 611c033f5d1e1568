"""What the variants of stores have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from messagefoundry.testing import MemoryStore, MemoryStores, StoreConformance
from messagefoundry.testing.stores.ahead import AheadClauses
from messagefoundry.testing.stores.batches import BatchClauses
from messagefoundry.testing.stores.hops import HopClauses
from messagefoundry.testing.stores.keeping import KeepingClauses
from messagefoundry.testing.stores.repeats import RepeatClauses
from messagefoundry.testing.stores.subject import StoreClauses
from tests.testing.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import StoreLocation
    from messagefoundry.testing.memory.store import Disk


class Stores(MemoryStores):
    """A factory of a broken store."""

    def __init__(self, make: Callable[[Disk, Cipher], MemoryStore] = MemoryStore) -> None:
        super().__init__()
        self.make = make

    def open(self, location: StoreLocation, cipher: Cipher) -> MemoryStore:
        return self.make(self.disk(location), cipher)


class Broken(StoreClauses):
    """Clauses on a variant of the store in memory; `store` or `stores` is what is broken."""

    store: ClassVar[type[MemoryStore]] = MemoryStore
    stores: ClassVar[type[MemoryStores] | None] = None
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> InMemory:
        return InMemory(self.stores() if self.stores else Stores(self.store))


class Variant(Broken, StoreConformance):
    """The whole kit."""

    not_applicable: ClassVar = {
        "test_a_commit_survives_a_killed_process": "a store in memory ends with its process",
        "test_a_hold_ends_with_its_process": "a store in memory is in one process alone",
    }


class InPart(Broken, RepeatClauses, BatchClauses, HopClauses, KeepingClauses, AheadClauses):
    """The clauses of what is no message of every day; the others are for variants of those."""
