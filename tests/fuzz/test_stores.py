"""Any units in any order: the SQLite store and the model agree on everything that can be looked up."""

from __future__ import annotations

import random
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.testing.stores.feed import Feed
from messagefoundry.testing.stores.sequences import LOOK_EVERY, Pair, seen, step
from messagefoundry_sqlite.factory import SQLITE


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 80))
def test_any_sequence_of_units_does_what_the_model_does(seed: int, steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        feed = Feed(SQLITE, StoreLocation(path=f"{folder}/store.db", synchronous="normal"))
        pair = Pair(feed, random.Random(seed))
        for number in range(steps):
            step(pair)
            if number % LOOK_EVERY == 0 or number == steps - 1:
                assert seen(pair.subject) == seen(pair.model)
        assert feed.store.last_id() <= feed.last
        feed.close()
