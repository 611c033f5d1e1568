from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.place import Place, place_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fresh directory with free ports."""
    return place_in(tmp_path)
