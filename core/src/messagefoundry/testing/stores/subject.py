"""What the kit needs of a store, and the fixtures of its clauses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing.conformance import Conformance
from messagefoundry.testing.stores.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from messagefoundry.contracts.stores import StoreFactory, StoreLocation


class StoreSubject(ABC):
    """A store that does not exist yet, in a place of its own: a new folder, a new schema."""

    factory: StoreFactory
    """What the plugin's `StoreSpec` names."""
    reference: str
    """The same as a reference, "package.module:NAME", for another process to load."""
    location: StoreLocation
    """The place. Its `options` must be plain values, for another process to use."""

    @abstractmethod
    def outage(self) -> AbstractContextManager[object]:
        """While the block runs, the database cannot commit; it can again afterwards. The store is open."""

    @abstractmethod
    def at_rest(self) -> bytes:
        """Everything that the database keeps, as it lies there. The store is closed."""


class StoreClauses(Conformance):
    """What the groups of clauses share."""

    kind = "store"

    @pytest.fixture
    def subject(self) -> StoreSubject:
        """Your store: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a StoreSubject", pytrace=False)

    @pytest.fixture
    def feed(self, subject: StoreSubject) -> Iterator[Feed]:
        """The store, open."""
        feed = Feed(subject.factory, subject.location)
        yield feed
        feed.close()
