"""A fresh world with pages for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.served import ServedWorld

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> ServedWorld:
    """An undeclared world in a temporary folder."""
    return ServedWorld(tmp_path)
