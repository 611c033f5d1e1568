from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .certificates import Authority

if TYPE_CHECKING:
    from trio.testing import MockClock


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Time that passes only while nothing moves for 10 ms: sockets of one process deliver at once."""
    autojump_clock.autojump_threshold = 0.01
    return autojump_clock


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made_in(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made_in(tmp_path_factory.mktemp("stranger"))
