"""Sources of reference sets that break the contract, each in one way. As broken_values.py."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from messagefoundry.contracts.errors import SourceUnreadable
from messagefoundry.testing import ReferenceSourceConformance
from messagefoundry.wiring.reference_files import FileSettings, FileSource
from tests.testing.test_reference_sources import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Source(FileSource):
    """A sound source of a file, whose text a variant may read."""

    def __init__(self, settings: FileSettings, directory: Path) -> None:
        super().__init__(settings, directory)
        self.file = directory / settings.path


class Variants(Table):
    def __init__(self, folder: Path, make: type[Source]) -> None:
        super().__init__(folder)
        self.make = make

    def source(self) -> Source:
        return self.make(FileSettings(path=self.name), self.folder)


class ReferenceVariant(ReferenceSourceConformance):
    make: ClassVar[type[Source]] = Source
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Variants:
        return Variants(tmp_path, type(self.make.__name__, (self.make,), {}))  # with class attributes of its own


class Partial(Source):
    """Leaves a row out."""

    def read(self) -> Mapping[str, Any]:
        return dict(list(super().read().items())[1:])


class TestLeavesARowOut(ReferenceVariant):
    make = Partial
    caught_by: ClassVar = {
        "test_reads_again_when_the_place_is_back",
        "test_reads_every_row_by_code",
        "test_reads_in_threads_that_know_no_loop",
    }


class Listed(Source):
    """Gives the columns as a list."""

    def read(self) -> Mapping[str, Any]:
        return {code: list(row.values()) for code, row in super().read().items()}


class TestGivesLists(ReferenceVariant):
    make = Listed
    caught_by: ClassVar = {
        "test_reads_again_when_the_place_is_back",
        "test_reads_every_row_by_code",
        "test_reads_in_threads_that_know_no_loop",
        "test_rows_are_plain_values",
    }


class Empty(Source):
    """Takes trouble for an empty table."""

    def read(self) -> Mapping[str, Any]:
        try:
            return super().read()
        except SourceUnreadable:
            return {}


class TestTakesTroubleForAnEmptyTable(ReferenceVariant):
    make = Empty
    caught_by: ClassVar = {
        "test_a_place_that_is_away_is_unreadable",
        "test_each_reading_is_its_own",
        "test_reads_again_when_the_place_is_back",
        "test_what_is_no_table_is_unreadable",
        "test_what_is_wrong_is_told_without_values",
    }


class Raising(Source):
    """Lets the error of the file out."""

    def read(self) -> Mapping[str, Any]:
        self.file.read_bytes()
        return super().read()


class TestRaisesTheErrorOfTheFile(ReferenceVariant):
    make = Raising
    caught_by: ClassVar = {
        "test_a_place_that_is_away_is_unreadable",
        "test_reads_again_when_the_place_is_back",
    }


class Quoting(Source):
    """Quotes the table."""

    def read(self) -> Mapping[str, Any]:
        try:
            return super().read()
        except SourceUnreadable:
            if self.file.exists():
                raise SourceUnreadable(f"no table: {self.file.read_bytes()!r}") from None
            raise


class TestQuotesTheTable(ReferenceVariant):
    make = Quoting
    caught_by: ClassVar = {
        "test_what_is_wrong_is_told_without_values",
    }


class Chaining(Source):
    """Keeps an error that quotes the table as the cause."""

    def read(self) -> Mapping[str, Any]:
        try:
            return super().read()
        except SourceUnreadable as error:
            text = self.file.read_text("utf-8") if self.file.exists() else ""
            raise SourceUnreadable(str(error)) from ValueError(text)


class TestQuotesTheTableInTheCause(ReferenceVariant):
    make = Chaining
    caught_by: ClassVar = {
        "test_what_is_wrong_is_told_without_values",
    }


class Homely(Source):
    """Reads in the thread of the event loop alone."""

    def read(self) -> Mapping[str, Any]:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("not here")
        return super().read()


class TestReadsInOneThread(ReferenceVariant):
    make = Homely
    caught_by: ClassVar = {
        "test_reads_in_threads_that_know_no_loop",
    }


class Sharing(Source):
    """Gives the same mapping each time, filled anew."""

    kept = threading.local()

    def read(self) -> Mapping[str, Any]:
        rows: dict[str, Any] = self.kept.__dict__.setdefault("rows", {})
        rows.clear()
        rows.update(super().read())
        return rows


class TestFillsOneMappingAnew(ReferenceVariant):
    make = Sharing
    caught_by: ClassVar = {
        "test_each_reading_is_its_own",
    }


class Sticky(Source):
    """Reads no more after a failure."""

    failed = False

    def read(self) -> Mapping[str, Any]:
        if self.failed:
            raise SourceUnreadable("it failed before")
        try:
            return super().read()
        except SourceUnreadable:
            type(self).failed = True
            raise


class TestReadsNoMoreAfterAFailure(ReferenceVariant):
    make = Sticky
    caught_by: ClassVar = {
        "test_reads_again_when_the_place_is_back",
    }
