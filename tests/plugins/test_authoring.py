"""`from messagefoundry import ...`: what there is, what there is not, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import messagefoundry
from messagefoundry.plugins import NotInstalledError

NOT_YET = [
    "DatabaseRef",
    "DatabaseLookup",
    "db_lookup",
    "DbLookupError",
    "FhirLookup",
    "fhir_lookup",
    "FhirLookupError",
]


@pytest.mark.parametrize("name", messagefoundry.__all__)
def test_every_authoring_name_is_there(name: str) -> None:
    assert getattr(messagefoundry, name) is not None
    assert name in dir(messagefoundry)


def test_connectors_come_from_their_plugins() -> None:
    from messagefoundry import MLLP, File

    assert MLLP(port=1).connector == "MLLP"
    assert File(directory="x").line > 0


@pytest.mark.parametrize("name", NOT_YET)
def test_a_name_of_a_later_release_says_so(name: str) -> None:
    with pytest.raises(ImportError) as caught:
        getattr(messagefoundry, name)
    assert str(caught.value) == f"{name} is not supported yet in this release"


@pytest.mark.parametrize("name", ["Sftp", "Http", "FHIR", "DICOM", "Email"])
def test_a_connector_without_a_plugin_says_so(name: str) -> None:
    with pytest.raises(NotInstalledError) as caught:
        exec(f"from messagefoundry import {name}")
    assert str(caught.value) == f"the connector {name} is not available in this release"


@pytest.mark.parametrize("name", ["inbond", "Nothing", "_private"])
def test_an_unknown_name_is_an_ordinary_one(name: str) -> None:
    assert not hasattr(messagefoundry, name)


def test_the_version_is_that_of_the_distribution() -> None:
    assert messagefoundry.__version__[0].isdigit()


def test_the_front_door_is_light() -> None:
    program = (
        "import sys, messagefoundry; from messagefoundry.plugins import installed, discovery\n"
        "discovery.collect([next(discovery.entry_points())])\n"
        "print(sorted({'trio', 'sqlalchemy', 'pydantic', 'quart', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
