"""Stores that break the contract, each in one way: in state, labels and reference sets. As broken_stores.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from messagefoundry.contracts.units import HandOff, KeepReference, StateWrite, Unit
from messagefoundry.testing import MemoryStore
from messagefoundry.testing.memory.reading import MemoryReader
from tests.testing.broken_arrivals import Reading
from tests.testing.store_variant import InPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.stores import KeptReference, MessageQuery
    from messagefoundry.testing.memory.tables import Tables


class Writing(MemoryStore):
    """Changes what a hand-off writes."""

    def changed(self, write: StateWrite) -> StateWrite:
        """What is written in its place."""
        return write

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff):
            unit.states = [self.changed(write) for write in unit.states]
        super().apply(tables, unit)


class Stateless(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff):
            unit.states = ()
        super().apply(tables, unit)


class TestKeepsNoState(InPart):
    store = Stateless
    caught_by: ClassVar = {
        "test_a_batch_sees_those_sent_before_it",
        "test_a_handler_run_again_writes_state",
        "test_state_is_text_of_any_characters",
        "test_state_is_written_with_its_batch_or_not_at_all",
        "test_state_is_written_with_its_hand_off",
        "test_the_last_write_of_a_key_counts",
        "test_what_was_kept_is_there_after_reopening",
    }


class Alike(Writing):
    def changed(self, write: StateWrite) -> StateWrite:
        return replace(write, key=write.key.casefold().strip())


class TestTakesKeysThatDifferForOne(InPart):
    store = Alike
    caught_by: ClassVar = {
        "test_state_is_text_of_any_characters",
        "test_state_is_written_with_its_hand_off",
        "test_the_last_write_of_a_key_counts",
    }


class Cutting(Writing):
    def changed(self, write: StateWrite) -> StateWrite:
        return replace(write, value=write.value.partition("\0")[0][:4000])


class TestCutsValues(InPart):
    store = Cutting
    caught_by: ClassVar = {
        "test_state_is_text_of_any_characters",
    }


class FirstOfABatch(MemoryStore):
    """The first write of a batch counts."""

    def commit(self, units: Sequence[Unit]) -> None:
        written: set[tuple[str, str]] = set()
        for unit in units:
            if isinstance(unit, HandOff):
                unit.states = [write for write in unit.states if (write.namespace, write.key) not in written]
                written |= {(write.namespace, write.key) for write in unit.states}
        super().commit(units)


class TestKeepsTheFirstOfABatch(InPart):
    store = FirstOfABatch
    caught_by: ClassVar = {
        "test_the_last_write_of_a_key_counts",
    }


class AtOnce(MemoryStore):
    """Writes state and labels before the commit."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        self.disk.tables.states.update(tables.states)
        self.disk.tables.meta.update(tables.meta)


class TestWritesBeforeTheCommit(InPart):
    store = AtOnce
    caught_by: ClassVar = {
        "test_state_is_written_with_its_batch_or_not_at_all",
    }


class FirstRunAlone(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff) and unit.routed_id is not None:
            unit.states, unit.meta = (), {}
        super().apply(tables, unit)


class TestKeepsNothingOfARerun(InPart):
    store = FirstRunAlone
    caught_by: ClassVar = {
        "test_a_handler_run_again_writes_state",
    }


class Replacing(MemoryStore):
    """A hand-off takes the place of all labels."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff):
            tables.meta = {place: value for place, value in tables.meta.items() if place[0] != unit.message_id}
        super().apply(tables, unit)


class TestTakesOldLabelsAway(InPart):
    store = Replacing
    caught_by: ClassVar = {
        "test_labels_are_shown_with_their_message",
    }


class Short(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        tables.meta = {(key, name[:200]): value[:200] for (key, name), value in tables.meta.items()}


class TestCutsLabels(InPart):
    store = Short
    caught_by: ClassVar = {
        "test_labels_are_text_of_any_characters",
    }


class ByName(MemoryReader):
    """Finds every message that has a label of the name."""

    def _selected(self, query: MessageQuery) -> Any:
        return super()._selected(replace(query, meta=(query.meta[0], "")))


class ReadingByName(Reading):
    reads = ByName


class TestFindsAnyValueOfALabel(InPart):
    stores = ReadingByName
    caught_by: ClassVar = {
        "test_messages_are_found_by_their_labels",
    }


class Faithful(MemoryStore):
    """Keeps the first snapshot."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        before = dict(tables.references)
        super().apply(tables, unit)
        if isinstance(unit, KeepReference) and unit.name in before:
            tables.references[unit.name] = replace(before[unit.name], synced_at=unit.at)


class TestKeepsTheFirstSnapshot(InPart):
    store = Faithful
    caught_by: ClassVar = {
        "test_a_reference_set_is_kept",
    }


class Emptying(MemoryStore):
    """Takes no change for no content."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, KeepReference):
            unit.content = unit.content or b""
        super().apply(tables, unit)


class TestEmptiesWhatHasNotChanged(InPart):
    store = Emptying
    caught_by: ClassVar = {
        "test_a_reference_set_that_has_not_changed",
    }


class Ageing(MemoryReader):
    """Tells the time of every snapshot as that of the oldest."""

    def reference(self, name: str) -> KeptReference | None:
        found = super().reference(name)
        oldest = min((row.synced_at for row in self._tables().references.values()), default=0)
        return None if found is None else replace(found, synced_at=oldest)


class ReadingAgeing(Reading):
    reads = Ageing


class TestTellsTheWrongTime(InPart):
    stores = ReadingAgeing
    caught_by: ClassVar = {
        "test_a_reference_set_is_kept",
    }


class Forgetful(MemoryStore):
    def close(self) -> None:
        self.disk.tables.states.clear()


class TestForgetsStateAtTheEnd(InPart):
    store = Forgetful
    caught_by: ClassVar = {
        "test_what_was_kept_is_there_after_reopening",
    }
