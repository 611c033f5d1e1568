"""Stores in a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stores.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    feed = Feed(tmp_path)
    yield feed
    feed.close()
