"""Clauses: what Routers and Handlers keep and look up: transform state, labels, reference sets."""

from __future__ import annotations

import random

import pytest

from messagefoundry.contracts.errors import StaleUnit, StoreUnavailable
from messagefoundry.contracts.stores import KeptReference, MessageQuery
from messagefoundry.contracts.units import HandOff, KeepReference, StateWrite
from messagefoundry.testing.conformance import clause
from messagefoundry.testing.stores.feed import Feed, hand_off
from messagefoundry.testing.stores.subject import StoreClauses, StoreSubject

LONGEST_LABEL = 255
"""Characters that the name and the value of a label may have."""

KEYS = ("a", "b", "A", "a b", "")
SNAPSHOT = bytes(range(256)) * 4096


def write(message_id: int, *writes: tuple[str, str, str]) -> HandOff:
    """A hand-off that writes state: namespace, key, value."""
    return hand_off(message_id, states=[StateWrite(*each) for each in writes])


def written(choice: random.Random, feed: Feed, model: dict[tuple[str, str], str]) -> list[HandOff]:
    """A batch of hand-offs that write any state; the model gets what they write."""
    units = []
    for _ in range(choice.randint(1, 4)):
        writes = [(choice.choice("nm"), choice.choice(KEYS), str(choice.random())) for _ in range(choice.randint(0, 4))]
        units.append(write(feed.received(), *writes))
        model.update({(namespace, key): value for namespace, key, value in writes})
    return units


class KeepingClauses(StoreClauses):
    """State and labels are part of the hand-off that writes them."""

    @clause
    def test_state_is_written_with_its_hand_off(self, feed: Feed) -> None:
        """`HandOff.states`: each value is found by its namespace and key, and by no other."""
        unit = feed.one(write(feed.received(), ("n", "k", '{"a":1}'), ("m", "k", "2"), ("n", "K", "null")))
        state = feed.reader.state
        assert [state("n", "k"), state("m", "k"), state("n", "K")] == ['{"a":1}', "2", "null"]
        assert [state("m", "K"), state("", "k"), state("nk", ""), state("n", "")] == [None] * 4
        assert feed.disposition(unit.message_id) == "PROCESSED"
        assert feed.store.last_id() == feed.last

    @clause
    @pytest.mark.parametrize("seed", range(3))
    def test_the_last_write_of_a_key_counts(self, feed: Feed, seed: int) -> None:
        """`HandOff.states`: of several writes of a key the last counts, in one unit, in one batch and after it."""
        choice, model = random.Random(seed), dict[tuple[str, str], str]()
        for number in range(8):
            units = written(choice, feed, model)
            for batch in [units] if number % 2 else [[unit] for unit in units]:
                feed.commit(*batch)
            found = {(name, key): feed.reader.state(name, key) for name in "nm" for key in KEYS}
            assert found == {place: model.get(place) for place in found}

    @clause
    def test_state_is_written_with_its_batch_or_not_at_all(self, subject: StoreSubject, feed: Feed) -> None:
        """A batch that fails, for a unit's fault or in an outage, leaves state and labels as they were."""
        first, second = feed.written({"k": "1"}), feed.received()
        with pytest.raises(StaleUnit):
            feed.commit(write(second, ("ns", "k", "2")), hand_off(first.message_id))
        with pytest.raises(StaleUnit):
            feed.commit(hand_off(first.message_id, states=[StateWrite("ns", "k", "3")], meta={"m": "3"}))
        unit = hand_off(second, states=[StateWrite("ns", "k", "4")], meta={"m": "4"})
        unit.mint(feed.mint)
        with subject.outage(), pytest.raises(StoreUnavailable):
            feed.store.commit([unit])
        assert feed.reader.state("ns", "k") == "1"
        assert feed.message(first.message_id).meta == feed.message(second).meta == {}
        feed.store.commit([unit])
        assert feed.reader.state("ns", "k") == "4"
        assert feed.message(second).meta == {"m": "4"}

    @clause
    @pytest.mark.parametrize("text", ["\u00e9\u6587\U0001f516", "'; --", "a\0b", " ", '["', "x" * 5000])
    def test_state_is_text_of_any_characters(self, feed: Feed, text: str) -> None:
        """Keys and values of state hold any characters, and differ in each."""
        feed.written({text: text, text + " ": "other"})
        assert feed.reader.state("ns", text) == text
        assert feed.reader.state("ns", text + " ") == "other"

    @clause
    def test_a_handler_run_again_writes_state(self, feed: Feed) -> None:
        """A hand-off from a `routed` row writes state and labels too, in place of those of the run before."""
        message_id, work_id = feed.failed()
        again = feed.replayed(work_id)
        feed.commit(hand_off(message_id, routed_id=again, states=[StateWrite("ns", "k", "1")], meta={"m": "1"}))
        assert feed.reader.state("ns", "k") == "1"
        assert feed.message(message_id).meta == {"m": "1"}

    @clause
    def test_labels_are_shown_with_their_message(self, feed: Feed) -> None:
        """`HandOff.meta`: labels of their message alone, each in place of the one of its name, others left."""
        first, second, bare = feed.labelled(site="A", kind="x"), feed.labelled(site="B"), feed.received()
        again = feed.one(feed.replay(first)).ids[0]
        assert again > bare
        feed.commit(hand_off(first, meta={"site": "C", "Site": "D"}))
        rows = {row.id: row.meta for row in feed.reader.messages(MessageQuery())}
        assert rows == {first: {"site": "C", "kind": "x", "Site": "D"}, second: {"site": "B"}, bare: {}}
        assert feed.message(first).meta == rows[first]

    @clause
    def test_messages_are_found_by_their_labels(self, feed: Feed) -> None:
        """`MessageQuery.meta`: a label's name and value, or any value of it; pages go both ways."""
        keys = [feed.labelled(site="A" if number % 2 else "B", number=str(number)) for number in range(6)]
        reader = feed.reader
        every = MessageQuery(meta=("site", "A"))
        assert [row.id for row in reader.messages(every)] == keys[5::-2]
        assert reader.count_messages(every) == 3
        asked = {("site", ""): 6, ("number", "3"): 1, ("site", "3"): 0, ("other", ""): 0, ("Site", "A"): 0}
        assert {meta: reader.count_messages(MessageQuery(meta=meta)) for meta in asked} == asked
        newest = reader.messages(MessageQuery(meta=("site", ""), limit=2))
        assert [row.id for row in newest] == [keys[5], keys[4]]
        older = reader.messages(MessageQuery(meta=("site", "A"), before=keys[5], limit=1))
        assert [row.id for row in older] == [keys[3]]
        newer = reader.messages(MessageQuery(meta=("site", "B"), after=keys[0], limit=1))
        assert [row.id for row in newer] == [keys[2]]
        assert reader.messages(MessageQuery(meta=("site", "A"), disposition="ERROR")) == []

    @clause
    @pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f516", "'", "%"])
    def test_labels_are_text_of_any_characters(self, feed: Feed, letter: str) -> None:
        """A label's name and value hold any characters but NUL, 255 of them."""
        text = letter * LONGEST_LABEL
        message_id = feed.labelled(**{text: text})
        assert feed.message(message_id).meta == {text: text}
        assert [row.id for row in feed.reader.messages(MessageQuery(meta=(text, text)))] == [message_id]

    @clause
    def test_a_reference_set_is_kept(self, feed: Feed) -> None:
        """`KeepReference`: the last snapshot of each set, as it was, with the time at which it was read."""
        reference = feed.reader.reference
        assert reference("npi") is None
        feed.commit(KeepReference("npi", b"first", 10))
        feed.commit(KeepReference("NPI", SNAPSHOT, 20))
        assert (reference("npi"), reference("NPI")) == (KeptReference(b"first", 10), KeptReference(SNAPSHOT, 20))
        feed.commit(KeepReference("npi", b"", 30))
        assert (reference("npi"), reference("NPI")) == (KeptReference(b"", 30), KeptReference(SNAPSHOT, 20))
        assert feed.store.last_id() == feed.last

    @clause
    def test_a_reference_set_that_has_not_changed(self, feed: Feed) -> None:
        """`KeepReference` without content: the snapshot stays, the time moves; without a snapshot, nothing is kept."""
        feed.commit(KeepReference("npi", b"first", 10))
        feed.commit(KeepReference("npi", None, 40))
        feed.commit(KeepReference("other", None, 40))
        assert feed.reader.reference("npi") == KeptReference(b"first", 40)
        assert feed.reader.reference("other") is None

    @clause
    def test_what_was_kept_is_there_after_reopening(self, feed: Feed) -> None:
        """State, labels and reference sets are there after a close and an open, and `last_id` knows their ids."""
        message_id = feed.labelled(site="A")
        feed.written({"k": "1"})
        feed.commit(KeepReference("npi", b"first", 10))
        feed.reopen()
        reader = feed.reader
        assert (reader.state("ns", "k"), reader.reference("npi")) == ("1", KeptReference(b"first", 10))
        assert feed.message(message_id).meta == {"site": "A"}
        assert feed.store.last_id() == feed.last
