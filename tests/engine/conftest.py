"""A fresh world for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An undeclared world in a temporary folder."""
    return World(tmp_path)
