"""Sources of reference sets that are built in keep the clauses of their contract."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import ReferenceSourceConformance, ReferenceSourceSubject
from messagefoundry.wiring.reference_files import FileSettings, FileSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from messagefoundry.contracts.references import ReferenceSource


class Table(ReferenceSourceSubject):
    """A file that comes and goes."""

    name = "wards.csv"
    text = "code,name,floor\nA1,Surgery,2\nB2,Médecine,3\n"
    rows = {"A1": {"name": "Surgery", "floor": "2"}, "B2": {"name": "Médecine", "floor": "3"}}  # noqa: RUF012
    spoilt = "code,name,floor\nA1,SECRETNAME,2,3\n"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / self.name
        self.file.write_text(self.text, "utf-8")

    def source(self) -> ReferenceSource:
        return FileSource(FileSettings(path=self.name), self.folder)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.file.unlink()
        yield
        self.file.write_text(self.text, "utf-8")

    @contextmanager
    def spoiled(self) -> Iterator[None]:
        self.file.write_text(self.spoilt, "utf-8")
        yield
        self.file.write_text(self.text, "utf-8")


class TomlTable(Table):
    name = "wards.toml"
    text = 'A1 = "Surgery"\nB2 = 7\n[C3]\nname = "Ward"\nsince = 2026-01-01\n'
    rows = {"A1": "Surgery", "B2": 7, "C3": {"name": "Ward", "since": date(2026, 1, 1)}}  # noqa: RUF012
    spoilt = 'A1 = "SECRETNAME\n'


class TestCsv(ReferenceSourceConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Table:
        return Table(tmp_path)


class TestToml(ReferenceSourceConformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> TomlTable:
        return TomlTable(tmp_path)
