"""Where messages are that nobody here wrote."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the corpora: MEFOR_CORPORA, or ../shared/corpora beside the project."""
    folder = Path(os.environ.get("MEFOR_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
    if not (folder / "truth" / "hl7v2.jsonl").is_file():
        pytest.skip(f"the corpora are not at {folder}: set MEFOR_CORPORA to the folder that holds them")
    return folder
