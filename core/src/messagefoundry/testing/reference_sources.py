"""The kit for sources of reference sets.

class TestMySource(ReferenceSourceConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.errors import SourceUnreadable
from messagefoundry.testing.conformance import Conformance, clause
from messagefoundry.testing.discretion import SECRET
from messagefoundry.testing.exchanges import chain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from messagefoundry.contracts.references import ReferenceSource

VALUES = (str, int, float, Decimal, date, datetime, time, type(None))
"""What a cell may be; a truth value is an int."""
AT_ONCE = 4


class ReferenceSourceSubject(ABC):
    """A source and the place that it reads from."""

    rows: Mapping[str, Any]
    """All that is there, by code."""

    @abstractmethod
    def source(self) -> ReferenceSource:
        """A new source of the place below, as the engine makes one for every reading."""

    @abstractmethod
    def away(self) -> AbstractContextManager[object]:
        """While the block runs the place cannot be read: the file is gone, the host does not answer."""

    @abstractmethod
    def spoiled(self) -> AbstractContextManager[object]:
        """While the block runs the place can be read and holds no table by code, with SECRETNAME as a value."""


class ReferenceSourceConformance(Conformance):
    """What the engine relies on in a source of reference sets."""

    kind = "reference source"

    @pytest.fixture
    def subject(self) -> ReferenceSourceSubject:
        """Your source and its place: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a ReferenceSourceSubject", pytrace=False)

    @clause
    def test_reads_every_row_by_code(self, subject: ReferenceSourceSubject) -> None:
        """`read` gives all rows that are there, as a mapping by code."""
        read = subject.source().read()
        assert isinstance(read, Mapping)
        assert dict(read) == dict(subject.rows)

    @clause
    def test_rows_are_plain_values(self, subject: ReferenceSourceSubject) -> None:
        """A code is a text that is not empty; a value is text, a number, a date, a time or None, or these by column."""
        for code, value in subject.source().read().items():
            assert isinstance(code, str), f"a code is of the kind {type(code).__name__}"
            assert code
            columns: Mapping[object, object] = value if isinstance(value, Mapping) else {"": value}
            for column, cell in columns.items():
                assert isinstance(column, str), f"the name of a column is of the kind {type(column).__name__}"
                assert isinstance(cell, VALUES), f"a value is of the kind {type(cell).__name__}"
            "".join([code, *(text for cell in columns.items() for text in cell if isinstance(text, str))]).encode()

    @clause
    def test_reads_in_threads_that_know_no_loop(self, subject: ReferenceSourceSubject) -> None:
        """`read` asks nothing of the event loop, which it would hold up: it reads in any thread, in several at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            readings = [pool.submit(lambda: dict(subject.source().read())) for _ in range(AT_ONCE)]
        assert [each.result() for each in readings] == [dict(subject.rows)] * AT_ONCE

    @clause
    def test_each_reading_is_its_own(self, subject: ReferenceSourceSubject) -> None:
        """What one reading gave stays as it is, whatever the next one meets."""
        first = subject.source().read()
        before = dict(first)
        with subject.spoiled(), pytest.raises(SourceUnreadable):
            subject.source().read()
        assert dict(first) == before

    @clause
    def test_a_place_that_is_away_is_unreadable(self, subject: ReferenceSourceSubject) -> None:
        """When the place cannot be read, SourceUnreadable is raised and nothing else, in one line."""
        with subject.away():
            error = unreadable(subject)
        assert str(error).strip()
        assert len(str(error).splitlines()) == 1

    @clause
    def test_what_is_no_table_is_unreadable(self, subject: ReferenceSourceSubject) -> None:
        """When what is there is no table by code, SourceUnreadable is raised: never a part of the rows, nor none."""
        with subject.spoiled():
            error = unreadable(subject)
        assert str(error).strip()
        assert len(str(error).splitlines()) == 1

    @clause
    def test_what_is_wrong_is_told_without_values(self, subject: ReferenceSourceSubject) -> None:
        """Nothing of what is there is in the error, or in its causes."""
        with subject.spoiled():
            assert SECRET not in chain(unreadable(subject))

    @clause
    def test_reads_again_when_the_place_is_back(self, subject: ReferenceSourceSubject) -> None:
        """After a reading that failed, the next gives every row."""
        for trouble in (subject.away, subject.spoiled):
            with trouble():
                unreadable(subject)
            assert dict(subject.source().read()) == dict(subject.rows)


def unreadable(subject: ReferenceSourceSubject) -> SourceUnreadable:
    """The error of a reading that has to fail. Only SourceUnreadable will do."""
    with pytest.raises(SourceUnreadable) as caught:
        subject.source().read()
    return caught.value
