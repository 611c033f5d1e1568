"""A store that is closed while a batch is put together: all of it goes where its first statement went, or nowhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.stores import AheadStore, MessageQuery, Store, StoreLocation
from messagefoundry.contracts.units import SettleRetry
from messagefoundry.testing.stores.feed import Feed, receive
from messagefoundry_postgres.factory import POSTGRES

if TYPE_CHECKING:
    from messagefoundry.contracts.units import Unit

both_ways = pytest.mark.parametrize("ahead", [False, True], ids=["commit", "send"])


class Closing(Plaintext):
    """Closes its store from another thread at the sealing of so many values."""

    def __init__(self) -> None:
        self.store: Store | None = None
        self.after = 0

    def seal(self, data: bytes, kind: str, identity: int) -> bytes:
        self.after -= 1
        if self.store is not None and not self.after:
            closing = threading.Thread(target=self.store.close)
            closing.start()
            closing.join()
        return super().seal(data, kind, identity)


@pytest.fixture
def cipher() -> Closing:
    return Closing()


@pytest.fixture
def feed(location: StoreLocation, cipher: Closing) -> Feed:
    feed = Feed(POSTGRES, location, cipher)
    cipher.store = feed.store
    return feed


def committed(feed: Feed, units: list[Unit], *, ahead: bool) -> None:
    for unit in units:
        unit.mint(feed.mint)
    if ahead:
        assert isinstance(feed.store, AheadStore)
        assert feed.store.send(units)
        feed.store.collect()
    else:
        feed.store.commit(units)


@both_ways
def test_no_half_of_a_batch_is_committed(feed: Feed, cipher: Closing, *, ahead: bool) -> None:
    items = [feed.handed_off("L") for _ in range(2)]
    units: list[Unit] = [SettleRetry(item, key, "L", 1, "{}", None, 5, "refused", 77) for key, item in items]
    cipher.after = 2
    with pytest.raises(StoreUnavailable):
        committed(feed, units, ahead=ahead)
    assert [feed.reader.work(key)[0].due for key, _ in items] == [0, 0]
    feed.close()


@both_ways
def test_nothing_gets_past_the_fence(feed: Feed, cipher: Closing, location: StoreLocation, *, ahead: bool) -> None:
    second = Feed(POSTGRES, location)
    cipher.after = 1
    with pytest.raises(StoreUnavailable):
        committed(feed, [receive()], ahead=ahead)
    assert second.reader.messages(MessageQuery()) == []
    second.close()
    feed.close()
