"""The options of File, checked at load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts import ConnectorSpec, load
from messagefoundry.contracts.settings import Direction, Surroundings
from messagefoundry_file import File, plugin
from messagefoundry_file.settings import FileSettings

if TYPE_CHECKING:
    from pathlib import Path


def problems(direction: Direction, content_type: str = "hl7v2", **options: Any) -> list[str]:
    around = Surroundings(direction, content_type=content_type)
    return [sentence for sentence, _ in FileSettings(**options).problems(around)]


def test_the_factory_keeps_options_and_place() -> None:
    use = File(directory="/feeds", poll_seconds=2)
    assert (use.connector, dict(use.options), use.file) == (
        "File",
        {"directory": "/feeds", "poll_seconds": 2},
        __file__,
    )


def test_the_plugin_registers_parts_that_exist() -> None:
    (spec,) = plugin.register_connectors()
    assert isinstance(spec, ConnectorSpec)
    assert plugin.contract == 1
    assert load(spec.factory) is File
    assert load(spec.settings) is FileSettings
    assert spec.inbound
    assert spec.outbound
    assert callable(load(spec.inbound))
    assert callable(load(spec.outbound))


def test_defaults_are_those_of_the_published_interface() -> None:
    assert FileSettings(directory="/feeds").model_dump() == {
        "directory": "/feeds",
        "filename": "{MSH-10}.hl7",
        "pattern": "*.hl7",
        "poll_seconds": 1,
        "encoding": "utf-8",
        "min_age_seconds": 0,
        "after_read": "move",
        "sort": "name",
        "recursive": False,
        "max_file_bytes": 16 * 2**20,
        "validate_directory": False,
        "overwrite": False,
        "processed_subdir": ".processed",
        "error_subdir": ".error",
        "compress": None,
        "decompress": None,
        "max_decompressed_bytes": 64 * 2**20,
    }


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_a_directory_alone_is_enough(direction: Direction) -> None:
    assert problems(direction, directory="/not/yet/there") == []


@pytest.mark.parametrize(
    ("direction", "options", "sentence"),
    [
        ("inbound", {"filename": "x"}, "filename is an option of a File outbound, not of an inbound"),
        ("inbound", {"overwrite": False}, "overwrite is an option of a File outbound, not of an inbound"),
        ("inbound", {"compress": "gzip"}, "compress is an option of a File outbound, not of an inbound"),
        ("outbound", {"pattern": "*"}, "pattern is an option of a File inbound, not of an outbound"),
        ("outbound", {"after_read": "move"}, "after_read is an option of a File inbound, not of an outbound"),
        ("outbound", {"decompress": None}, "decompress is an option of a File inbound, not of an outbound"),
        ("outbound", {"filename": "{PID-3}.hl7"}, "filename: {PID-3} is not a token"),
        ("inbound", {"pattern": "in/*.hl7"}, "pattern is matched with file names and must have no separator"),
        ("inbound", {"processed_subdir": "../done"}, "processed_subdir must be a folder below directory"),
        ("inbound", {"error_subdir": "/errors"}, "error_subdir must be a folder below directory"),
        ("inbound", {"error_subdir": "."}, "error_subdir must be a folder below directory"),
        ("inbound", {"encoding": "klingon"}, "encoding 'klingon' is unknown"),
        ("outbound", {"encoding": "utf-16"}, "encoding 'utf-16' cannot carry HL7 v2"),
    ],
)
def test_a_mistake_is_named(direction: Direction, options: dict[str, Any], sentence: str) -> None:
    assert problems(direction, directory="/feeds", **options) == [sentence]


def test_other_content_may_be_wide() -> None:
    assert problems("inbound", "text", directory="/feeds", encoding="utf-16") == []


def test_a_directory_can_be_checked_at_load(tmp_path: Path) -> None:
    missing, file = tmp_path / "missing", tmp_path / "file"
    file.touch()
    assert problems("outbound", directory=str(tmp_path), validate_directory=True) == []
    assert problems("outbound", directory=str(missing), validate_directory=True) == [
        f"directory {missing} does not exist"
    ]
    assert problems("outbound", directory=str(file)) == [f"directory {file} is not a folder"]
    assert problems("inbound", directory="") == ["directory is empty or has a NUL in it"]


def test_the_endpoint_tells_where(tmp_path: Path) -> None:
    settings = FileSettings(directory="/feeds")
    assert settings.endpoint(Surroundings("inbound")) == "/feeds/*.hl7"
    assert settings.endpoint(Surroundings("outbound")) == "/feeds/{MSH-10}.hl7"
