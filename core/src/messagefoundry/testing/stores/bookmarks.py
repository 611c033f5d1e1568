"""Clauses: bookmarks, which a source that reads one message after the other goes on from."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.contracts.inbound import LONGEST_BOOKMARK
from messagefoundry.contracts.units import ReadBookmark
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, hand_off, receive
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject


class BookmarkClauses(StoreClauses):
    """A message and the bookmark that it came with are one."""

    @clause
    def test_there_is_no_bookmark_at_first(self, feed: Feed) -> None:
        """`ReadBookmark`: "" for an inbound that never had one, whatever it received."""
        feed.received()
        assert feed.bookmark() == ""

    @clause
    def test_a_bookmark_is_kept_for_its_inbound(self, feed: Feed) -> None:
        """`Receive.bookmark`: one for each inbound, in place of the one before; a message without one leaves it."""
        feed.commit(receive(bookmark="page 1"))
        feed.commit(receive("IB2", bookmark="row 7"))
        feed.commit(receive(bookmark="page 2"))
        feed.commit(receive())
        assert [feed.bookmark(inbound) for inbound in ("IB", "IB2", "IB3")] == ["page 2", "row 7", ""]

    @clause
    def test_the_last_bookmark_of_a_batch_counts(self, feed: Feed) -> None:
        """Of several bookmarks in one batch the last counts; a read among them sees those before it, none after it."""
        feed.commit(receive(bookmark="page 1"))
        first, second = ReadBookmark("IB"), ReadBookmark("IB")
        feed.commit(
            first,
            receive(bookmark="page 2"),
            receive("IB2", bookmark="row 7"),
            receive(bookmark="page 3"),
            second,
            receive(bookmark="page 5"),
            receive(bookmark="page 4"),
            receive(),
        )
        assert (first.bookmark, second.bookmark) == ("page 1", "page 3")
        assert (feed.bookmark(), feed.bookmark("IB2")) == ("page 4", "row 7")

    @clause
    def test_a_bookmark_is_committed_with_its_message_or_not_at_all(self, subject: StoreSubject, feed: Feed) -> None:
        """A batch that fails, for a unit's fault or in an outage, leaves the bookmark as it was."""
        feed.commit(receive(bookmark="page 1"))
        with pytest.raises(StaleUnit):
            feed.commit(receive(bookmark="page 2"), hand_off(424242))
        assert feed.bookmark() == "page 1"
        unit = receive(bookmark="page 3")
        unit.mint(feed.mint)
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.store.commit([unit])
        assert feed.bookmark() == "page 1"
        feed.store.commit([unit])
        assert feed.bookmark() == "page 3"
        assert len(feed.flow().messages) == 2

    @clause
    def test_a_bookmark_is_there_after_reopening(self, feed: Feed) -> None:
        """A bookmark is there after a close and an open, though nothing came after it."""
        feed.commit(receive(bookmark="page 1"))
        feed.reopen()
        assert feed.bookmark() == "page 1"

    @clause
    @pytest.mark.parametrize("letter", ["x", "\u00e9", "\u6587", "\U0001f516", " ", "'"])
    def test_bookmarks_are_text_of_any_characters(self, feed: Feed, letter: str) -> None:
        """A bookmark of any characters but NUL, as long as LONGEST_BOOKMARK, is kept as it is."""
        bookmark = letter * (LONGEST_BOOKMARK // len(letter.encode()))
        feed.commit(receive(bookmark=bookmark))
        feed.reopen()
        assert feed.bookmark() == bookmark
