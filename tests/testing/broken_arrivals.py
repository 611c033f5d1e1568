"""Stores that break the contract, each in one way: in repeats, batches and hops. As broken_stores.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from messagefoundry.contracts.units import (
    ForgetOnce,
    HandOff,
    Receive,
    ReceiveBatch,
    ReceiveOnce,
    RefillFlow,
    RefillLane,
    Refuse,
    Replay,
    SettleDelivered,
    Unit,
)
from messagefoundry.testing import MemoryStore
from messagefoundry.testing.memory import happening
from messagefoundry.testing.memory.reading import MemoryReader
from messagefoundry.testing.memory.tables import StoredArrival
from tests.testing.store_variant import InPart, Stores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.stores import MessageQuery, MessageRow, StoreLocation
    from messagefoundry.testing.memory.tables import Tables


class Doubling(MemoryStore):
    """Knows no repeats."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        tables.arrivals.clear()


class TestReceivesRepeats(InPart):
    store = Doubling
    caught_by: ClassVar = {
        "test_a_repeat_in_the_same_batch",
        "test_a_repeat_is_an_event_of_the_first",
        "test_a_repeat_of_an_error_is_received",
        "test_an_error_in_the_same_batch_loses_nothing",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_members_may_have_come_before",
        "test_other_content_with_the_same_identity_is_a_message",
        "test_repeats_are_known_after_reopening",
        "test_what_came_before_the_window_is_new",
        "test_what_is_asked_behind_batches_is_answered",
        "test_what_is_forgotten_comes_as_new",
        "test_what_was_not_committed_did_not_come",
    }


class AsBefore(MemoryStore):
    """Looks for repeats among what earlier batches brought alone."""

    def commit(self, units: Sequence[Unit]) -> None:
        self.before = dict(self.disk.tables.arrivals)
        super().commit(units)
        tables = self.disk.tables
        for unit in units:
            if isinstance(unit, ReceiveOnce) and unit.repeat_of is None:
                tables.arrivals[unit.id] = StoredArrival(unit.identity, unit.digest)

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, ReceiveOnce):
            tables.arrivals = dict(self.before)
        super().apply(tables, unit)


class TestMissesRepeatsWithinABatch(InPart):
    store = AsBefore
    caught_by: ClassVar = {
        "test_a_repeat_in_the_same_batch",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_members_may_have_come_before",
        "test_what_was_not_committed_did_not_come",
    }


class Changing(MemoryStore):
    """Changes what a message is told apart by."""

    def change(self, tables: Tables, unit: ReceiveOnce) -> None:
        """Before the unit is applied."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if not isinstance(unit, ReceiveOnce):
            super().apply(tables, unit)
            return
        before = (unit.identity, unit.digest, unit.since)
        self.change(tables, unit)
        super().apply(tables, unit)
        unit.identity, unit.digest, unit.since = before


class ByIdentity(Changing):
    def change(self, tables: Tables, unit: ReceiveOnce) -> None:
        unit.digest = b""


class TestTakesTheIdentityForTheContent(InPart):
    store = ByIdentity
    caught_by: ClassVar = {
        "test_a_repeat_of_an_error_is_received",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_members_may_have_come_before",
        "test_other_content_with_the_same_identity_is_a_message",
    }


class ByContent(Changing):
    def change(self, tables: Tables, unit: ReceiveOnce) -> None:
        unit.identity = 0


class TestTakesTheContentForTheIdentity(InPart):
    store = ByContent
    caught_by: ClassVar = {
        "test_a_repeat_in_the_same_batch",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_members_may_have_come_before",
        "test_other_content_with_the_same_identity_is_a_message",
        "test_what_is_forgotten_comes_as_new",
        "test_what_was_not_committed_did_not_come",
    }


class ForEver(Changing):
    def change(self, tables: Tables, unit: ReceiveOnce) -> None:
        unit.since = 0


class TestKnowsNoWindow(InPart):
    store = ForEver
    caught_by: ClassVar = {
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_what_came_before_the_window_is_new",
    }


class Exclusive(Changing):
    def change(self, tables: Tables, unit: ReceiveOnce) -> None:
        unit.since += 1


class TestLeavesOutTheFirstOfTheWindow(InPart):
    store = Exclusive
    caught_by: ClassVar = {
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_what_came_before_the_window_is_new",
    }


class Remembering(MemoryStore):
    """Takes every message for one that a repeat of it may follow."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if type(unit) is Receive:
            tables.arrivals[unit.id] = StoredArrival(1, b"d")


class TestRemembersPlainMessages(InPart):
    store = Remembering
    caught_by: ClassVar = {
        "test_plain_messages_are_no_firsts",
    }


class Swallowing(MemoryStore):
    """Leaves no trace of a repeat, and takes one of an ERROR for one."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        routing = {key: row.routing for key, row in tables.messages.items()}
        if isinstance(unit, ReceiveOnce):
            tables.messages = {key: replace(row, routing=None) for key, row in tables.messages.items()}
        super().apply(tables, unit)
        if isinstance(unit, ReceiveOnce):
            tables.messages.update(
                {key: replace(tables.messages[key], routing=word) for key, word in routing.items() if word}
            )
            tables.events.pop(unit.id, None)


class TestSwallowsRepeatsOfErrors(InPart):
    store = Swallowing
    caught_by: ClassVar = {
        "test_a_repeat_in_the_same_batch",
        "test_a_repeat_is_an_event_of_the_first",
        "test_a_repeat_of_an_error_is_received",
        "test_an_error_in_the_same_batch_loses_nothing",
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_repeats_are_known_after_reopening",
    }


class Keeping(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if not isinstance(unit, ForgetOnce):
            super().apply(tables, unit)


class TestForgetsNothing(InPart):
    store = Keeping
    caught_by: ClassVar = {
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_what_is_forgotten_comes_as_new",
    }


class Limitless(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, ForgetOnce):
            unit.limit *= 1000
        super().apply(tables, unit)


class TestForgetsMoreThanAsked(InPart):
    store = Limitless
    caught_by: ClassVar = {
        "test_any_repeats_are_told_as_the_model_tells_them",
        "test_what_is_forgotten_comes_as_new",
    }


class Bookless(MemoryStore):
    """A repeat does not move the bookmark."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        before = dict(tables.bookmarks)
        super().apply(tables, unit)
        if isinstance(unit, ReceiveOnce) and unit.repeat_of is not None:
            tables.bookmarks = before


class TestReadsRepeatsForEver(InPart):
    store = Bookless
    caught_by: ClassVar = {
        "test_a_repeat_moves_the_bookmark",
        "test_any_repeats_are_told_as_the_model_tells_them",
    }


class ByKind(MemoryStore):
    """Applies the units of one kind together, whatever came between."""

    def commit(self, units: Sequence[Unit]) -> None:
        super().commit(sorted(units, key=lambda unit: type(unit).__name__))


class TestMovesBookmarksBack(InPart):
    store = ByKind
    caught_by: ClassVar = {
        "test_a_repeat_moves_the_bookmark",
    }


class AtOnce(MemoryStore):
    """Remembers what came before it is committed."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, ReceiveOnce):
            self.disk.tables = replace(tables.copy(), messages=self.disk.tables.messages | tables.messages)


class TestRemembersWhatWasNotCommitted(InPart):
    store = AtOnce
    caught_by: ClassVar = {
        "test_members_are_told_anew",
        "test_what_was_not_committed_did_not_come",
    }


class Forgetful(MemoryStore):
    def close(self) -> None:
        self.disk.tables.arrivals.clear()


class TestForgetsRepeatsAtTheEnd(InPart):
    store = Forgetful
    caught_by: ClassVar = {
        "test_repeats_are_known_after_reopening",
    }


# -- batches ---------------------------------------------------------------------------------------------------------


class Routing(MemoryStore):
    """A batch waits in its flow, like its members."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, ReceiveBatch):
            tables.messages[unit.batch.id] = replace(tables.messages[unit.batch.id], routing=None)


class TestRoutesTheBatch(InPart):
    store = Routing
    caught_by: ClassVar = {
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_batch_itself_is_done_at_once",
        "test_a_batch_itself_is_never_run_again",
        "test_members_are_told_anew",
        "test_members_may_have_come_before",
        "test_the_members_of_a_batch_are_messages",
    }


class Sparing(MemoryStore):
    """Keeps no refused members."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, ReceiveBatch):
            unit.members = [member for member in unit.members if not isinstance(member, Refuse)]
        super().apply(tables, unit)


class TestDropsBadMembers(InPart):
    store = Sparing
    caught_by: ClassVar = {
        "test_a_batch_itself_is_done_at_once",
        "test_members_may_have_come_before",
        "test_the_members_of_a_batch_are_messages",
    }


class Orphaning(MemoryStore):
    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        tables.messages = {key: replace(row, parent_id=None) for key, row in tables.messages.items()}


class TestForgetsParents(InPart):
    store = Orphaning
    caught_by: ClassVar = {
        "test_a_batch_itself_is_never_run_again",
        "test_a_reply_comes_in_with_its_delivery",
        "test_parent_and_depth_are_told",
        "test_the_members_of_a_batch_are_messages",
        "test_what_came_of_a_message_is_found",
    }


class OneByOne(MemoryStore):
    """Commits the members of a batch one by one."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, ReceiveBatch):
            for member in unit.members:
                if not isinstance(member, Refuse):
                    happening.receive(self.disk.tables, self._cipher, member)
            unit.members = [member for member in unit.members if isinstance(member, Refuse)]
        super().apply(tables, unit)


class TestCommitsMembersOneByOne(InPart):
    store = OneByOne
    caught_by: ClassVar = {
        "test_a_batch_comes_whole_or_not_at_all",
        "test_a_batch_itself_is_done_at_once",
        "test_a_batch_itself_is_never_run_again",
        "test_members_may_have_come_before",
        "test_the_members_of_a_batch_are_messages",
        "test_what_is_asked_behind_batches_is_answered",
    }


class Plain(MemoryStore):
    """Takes every member for a message that came once."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        known = tables.arrivals
        if isinstance(unit, ReceiveBatch):
            tables.arrivals = {}
        super().apply(tables, unit)
        tables.arrivals = known | tables.arrivals


class TestReceivesRepeatsInBatches(InPart):
    store = Plain
    caught_by: ClassVar = {
        "test_members_may_have_come_before",
    }


class Believing(MemoryStore):
    """Believes what a member says of itself."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, ReceiveBatch):
            told = [member for member in unit.members if isinstance(member, ReceiveOnce) and member.repeat_of]
            unit.members = [member for member in unit.members if member not in told]
        super().apply(tables, unit)


class TestTellsMembersByACommitThatFailed(InPart):
    store = Believing
    caught_by: ClassVar = {
        "test_members_are_told_anew",
    }


class Replaying(MemoryStore):
    """Replays batches too."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, Replay):
            split = [key for key in unit.message_ids if tables.messages[key].routing == "SPLIT"]
            tables.messages.update({key: replace(tables.messages[key], routing="PROCESSED") for key in split})
        super().apply(tables, unit)


class TestReplaysBatches(InPart):
    store = Replaying
    caught_by: ClassVar = {
        "test_a_batch_itself_is_never_run_again",
    }


# -- hops ------------------------------------------------------------------------------------------------------------


class Dropping(MemoryStore):
    """Loses what is passed, and replies that would come in."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        if isinstance(unit, HandOff):
            unit.passed = ()
        if isinstance(unit, SettleDelivered):
            unit.reingressed = None
        super().apply(tables, unit)


class TestDropsHops(InPart):
    store = Dropping
    caught_by: ClassVar = {
        "test_a_batch_sees_those_sent_before_it",
        "test_a_reply_comes_in_with_its_delivery",
        "test_a_stale_delivery_brings_nothing_in",
        "test_what_is_passed_comes_in_with_the_hand_off",
    }


class Early(MemoryStore):
    """Lets messages hop before the unit is committed."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        hops: list[Receive] = []
        if isinstance(unit, HandOff):
            hops, unit.passed = list(unit.passed), ()
        if isinstance(unit, SettleDelivered) and unit.reingressed is not None:
            hops, unit.reingressed = [unit.reingressed], None
        for hop in hops:
            happening.receive(self.disk.tables, self._cipher, hop)
            happening.receive(tables, self._cipher, hop)
        super().apply(tables, unit)


class TestHopsBeforeTheCommit(InPart):
    store = Early
    caught_by: ClassVar = {
        "test_a_reply_comes_in_with_its_delivery",
        "test_a_stale_delivery_brings_nothing_in",
        "test_a_stale_hand_off_passes_nothing",
        "test_what_is_passed_comes_in_with_the_hand_off",
    }


class Shallow(MemoryStore):
    """Does not say in refills how deep messages are."""

    def apply(self, tables: Tables, unit: Unit) -> None:
        super().apply(tables, unit)
        if isinstance(unit, RefillFlow):
            unit.messages = [message._replace(depth=0) for message in unit.messages]
        if isinstance(unit, RefillLane):
            unit.items = [item._replace(depth=0) for item in unit.items]


class TestForgetsDepths(InPart):
    store = Shallow
    caught_by: ClassVar = {
        "test_parent_and_depth_are_told",
    }


class Reading(Stores):
    """A factory of a broken reader."""

    reads: type[MemoryReader]

    def reader(self, location: StoreLocation, cipher: Cipher) -> MemoryReader:
        return self.reads(lambda: self.disk(location).tables, cipher)


class Careless(MemoryReader):
    """Takes any reply for the last one."""

    def last_reply(self, message_id: int, lane: str, before: int) -> bytes | None:
        events = [event for event in self._tables().events.values() if event.message_id == message_id and event.reply]
        return self.reply(message_id, max(event.id for event in events)) if events else None


class ReadingCarelessly(Reading):
    reads = Careless


class TestGivesAnyReply(InPart):
    stores = ReadingCarelessly
    caught_by: ClassVar = {
        "test_the_last_reply_of_a_lane",
    }


class Loose(MemoryReader):
    """Does not restrict by parent."""

    def _selected(self, query: MessageQuery) -> Any:
        rows: Sequence[MessageRow] = list(super()._selected(replace(query, parent=0)))
        return [row for row in rows if not query.parent or row.parent_id is not None]


class ReadingLoosely(Reading):
    reads = Loose


class TestFindsEveryChild(InPart):
    stores = ReadingLoosely
    caught_by: ClassVar = {
        "test_what_came_of_a_message_is_found",
    }
