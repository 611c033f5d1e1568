"""Inbound connectors that break the contract, each in one way. `caught_by` names every clause that has to notice.

Run by test_kit.py in a process of its own; the classes fail, which is what they are for.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import pytest
import trio

from messagefoundry.testing import (
    InboundConformance,
    MemoryInbound,
    MemorySettings,
    exchanges,
)
from messagefoundry.testing.memory.connectors import YES
from tests.testing.in_memory import MemoryPlace
from tests.testing.virtual import virtually

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import InboundContext, Receipt
    from messagefoundry.testing.memory.network import MemoryConnection, MemoryNetwork

exchanges.QUIET_SECONDS = 0.0  # nothing here is outside the process


_RETRIED = "what was read is kept and handed in again until it is taken"
SPOOLED = {
    "test_a_receipt_can_close": _RETRIED,
    "test_without_a_store_the_sender_is_told": _RETRIED,
    "test_a_receipt_without_reply_answers_nothing": "every message is answered",
}


class InboundVariant(InboundConformance):
    """A kit on a variant of the inbound connector in memory."""

    pytestmark = pytest.mark.trio(run=virtually)
    not_applicable: ClassVar = {
        "test_keeps_to_the_allowlist": "peers in memory have no address",
        "test_half_a_message_is_none": "a message of the network in memory arrives whole or not at all",
        "test_what_was_not_committed_is_received_after_a_restart": "the sender keeps what was not accepted",
    }
    connector: ClassVar[type[MemoryInbound]] = MemoryInbound
    answers_again: ClassVar[bool] = True
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> MemoryPlace:
        return MemoryPlace(self.connector, answers_again=self.answers_again)


class Hasty(MemoryInbound):
    """Answers before the commit."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        connection.send(YES)
        await trio.sleep(0.1)
        return not (await self._context.receive(raw, peer=peer)).close


class TestAnswersBeforeTheCommit(InboundVariant):
    connector = Hasty
    answers_again = False
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_what_was_sent",
        "test_stopping_never_answers_what_is_not_committed",
        "test_stops_when_cancelled",
        "test_stops_while_a_second_answer_is_to_come",
        "test_what_was_committed_after_all_is_received_once",
        "test_what_was_committed_before_a_kill_is_received_once",
        "test_without_a_store_the_sender_is_told",
    }


class Kind(MemoryInbound):
    """Answers yes whatever the receipt says."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        connection.send(YES)
        return not receipt.close


class TestAlwaysSaysYes(InboundVariant):
    connector = Kind
    answers_again = False
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_as_the_receipt_says",
        "test_without_a_store_the_sender_is_told",
    }


class Open(MemoryInbound):
    """Never closes."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        await super()._answer(connection, raw, peer)
        return True


class TestIgnoresClose(InboundVariant):
    connector = Open
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
    }


class Chatty(MemoryInbound):
    """Answers although there is no answer."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        connection.send(receipt.reply or b"")
        return not receipt.close


class TestAnswersUnasked(InboundVariant):
    connector = Chatty
    answers_again = False
    caught_by: ClassVar = {
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
    }


class Concurrent(MemoryInbound):
    """Hands in all messages of a peer at once."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        async with trio.open_nursery() as nursery:
            while (raw := await connection.receive()) is not None:
                nursery.start_soon(self._answer_some_time, connection, raw, peer)
        connection.close()

    async def _answer_some_time(self, connection: MemoryConnection, raw: bytes, peer: str) -> None:
        with suppress(OSError):
            await self._answer(connection, raw, peer)


class TestSwapsTheOrder(InboundVariant):
    connector = Concurrent
    caught_by: ClassVar = {
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_receives_in_the_order_sent",
        "test_stopping_lets_peers_go",
    }


class Reassuring(MemoryInbound):
    """Says yes when it is stopped, so that the peer is not left alone. The message is lost."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        try:
            return await super()._answer(connection, raw, peer)
        except trio.Cancelled:
            connection.send(YES)
            raise


class TestSaysYesWhenStopped(InboundVariant):
    connector = Reassuring
    caught_by: ClassVar = {
        "test_stopping_never_answers_what_is_not_committed",
    }


class Early(MemoryInbound):
    """Says that it is ready before it listens."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep(0.01)
        await super().run(task_status=trio.TASK_STATUS_IGNORED)


class TestIsReadyTooEarly(InboundVariant):
    connector = Early
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_place_that_is_taken_is_an_oserror",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refusal_says_nothing_of_the_content",
        "test_a_refused_message_is_answered_so",
        "test_a_second_answer_comes_after_the_first",
        "test_a_second_answer_goes_to_its_own_peer",
        "test_a_second_answer_holds_nothing_up",
        "test_a_slow_commit_holds_up_its_own_peer_alone",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_names_the_peer",
        "test_no_second_answer_is_none",
        "test_ready_means_reachable",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
        "test_second_answers_come_whole",
        "test_stopping_lets_peers_go",
        "test_stopping_never_answers_what_is_not_committed",
        "test_stops_when_cancelled",
        "test_stops_while_a_second_answer_is_to_come",
        "test_what_was_committed_after_all_is_received_once",
        "test_what_was_committed_before_a_kill_is_received_once",
        "test_without_a_store_the_sender_is_told",
    }


class Vague(MemoryInbound):
    """Has an error of its own for a place that is taken."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        try:
            await super().run(task_status=task_status)
        except OSError as error:
            raise RuntimeError("cannot listen") from error


class TestHidesABindFailure(InboundVariant):
    connector = Vague
    caught_by: ClassVar = {
        "test_a_place_that_is_taken_is_an_oserror",
    }


class Fragile(MemoryInbound):
    """Ends when a peer is lost."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        while (raw := await connection.receive()) is not None:
            if not await self._answer(connection, raw, peer):
                break
        connection.close()


class TestEndsWithItsPeer(InboundVariant):
    connector = Fragile
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_stopping_lets_peers_go",
    }


class Serial(MemoryInbound):
    """Serves one peer after the other."""

    turn: trio.Lock | None = None

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        self.turn = self.turn or trio.Lock()
        async with self.turn:
            return await super()._answer(connection, raw, peer)


class TestServesOnePeerAtATime(InboundVariant):
    connector = Serial
    caught_by: ClassVar = {
        "test_a_slow_commit_holds_up_its_own_peer_alone",
    }


class Reporting(MemoryInbound):
    """Notes what was refused, in full."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        if not receipt.accepted:
            self._context.note("refused", raw.decode())
        connection.send(receipt.reply or b"")
        return not receipt.close


class TestNotesWhatWasRefused(InboundVariant):
    connector = Reporting
    answers_again = False
    caught_by: ClassVar = {
        "test_a_receipt_can_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refusal_says_nothing_of_the_content",
    }


class Squatting(MemoryInbound):
    """Keeps its place when it has ended."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        network, place = self._settings.network, self._settings.place
        try:
            await super().run(task_status=task_status)
        finally:
            network.places.setdefault(place, network.listen(f"{place} still"))


class TestKeepsItsPlace(InboundVariant):
    connector = Squatting
    caught_by: ClassVar = {
        "test_receives_each_message_once_across_restarts",
        "test_stops_when_cancelled",
        "test_stops_while_a_second_answer_is_to_come",
        "test_what_was_committed_before_a_kill_is_received_once",
    }


class Clinging(MemoryInbound):
    """Leaves its peers hanging when it ends."""

    async def _converse(self, connection: MemoryConnection, peer: str) -> None:
        try:
            while (raw := await connection.receive()) is not None:
                if not await self._answer(connection, raw, peer):
                    break
            connection.close()
        except OSError:
            self._context.note("peer lost", f"{peer} left before its answer")


class TestLeavesPeersHanging(InboundVariant):
    connector = Clinging
    caught_by: ClassVar = {
        "test_stopping_lets_peers_go",
    }


class Doubling(MemoryInbound):
    """Hands each message in twice, to be sure."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        await self._context.receive(raw, peer=peer)
        await trio.sleep(0.1)
        return await super()._answer(connection, raw, peer)


class TestReceivesTwice(InboundVariant):
    connector = Doubling
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_answers_after_the_commit",
        "test_answers_as_the_receipt_says",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
        "test_what_was_committed_after_all_is_received_once",
        "test_what_was_committed_before_a_kill_is_received_once",
    }


class Decoding(MemoryInbound):
    """Says nothing of the peer, and tidies messages up."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        return await super()._answer(connection, raw.lower(), "")


class TestTidiesUp(InboundVariant):
    connector = Decoding
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_peer_that_leaves_during_the_commit_costs_nothing",
        "test_a_peer_that_says_nothing_costs_nothing",
        "test_a_receipt_can_answer_and_close",
        "test_a_receipt_without_reply_answers_nothing",
        "test_a_refused_message_is_answered_so",
        "test_a_second_answer_comes_after_the_first",
        "test_a_second_answer_goes_to_its_own_peer",
        "test_names_the_peer",
        "test_receives_a_large_message",
        "test_receives_each_message_once_across_restarts",
        "test_receives_in_the_order_sent",
        "test_receives_what_was_sent",
        "test_second_answers_come_whole",
        "test_stops_when_cancelled",
        "test_stops_while_a_second_answer_is_to_come",
        "test_what_was_committed_after_all_is_received_once",
        "test_what_was_committed_before_a_kill_is_received_once",
    }


class Repeating(MemoryInbound):
    """Begins with the last message again, in case it was lost."""

    last: ClassVar[WeakKeyDictionary[MemoryNetwork, bytes]] = WeakKeyDictionary()

    def __init__(self, settings: MemorySettings, context: InboundContext) -> None:
        super().__init__(settings, context)
        self._key = settings.network

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        if self._key in self.last:
            await self._context.receive(self.last[self._key])
        await super().run(task_status=task_status)

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        self.last[self._key] = raw
        return await super()._answer(connection, raw, peer)


class TestRepeatsAfterARestart(InboundVariant):
    connector = Repeating
    caught_by: ClassVar = {
        "test_receives_each_message_once_across_restarts",
        "test_what_was_committed_before_a_kill_is_received_once",
    }


class Limited(MemoryInbound):
    """Takes what is not too large, and says nothing of the rest."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        if len(raw) > 65536:
            return True
        return await super()._answer(connection, raw, peer)


class TestDropsLargeMessages(InboundVariant):
    connector = Limited
    caught_by: ClassVar = {
        "test_receives_a_large_message",
    }


class Spooling(MemoryInbound):
    """Keeps what it has read until it is committed, and begins with what it kept. It never looks at its bookmark."""

    spools: ClassVar[WeakKeyDictionary[MemoryNetwork, dict[str, bytes]]] = WeakKeyDictionary()

    def __init__(self, settings: MemorySettings, context: InboundContext) -> None:
        super().__init__(settings, context)
        self._spool = self.spools.setdefault(settings.network, {})
        self._tries = 0

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        await self.catch_up()
        await super().run(task_status=task_status)

    async def catch_up(self) -> None:
        for token, raw in list(self._spool.items()):
            await self.hand_in(token, raw, "spool")

    async def hand_in(self, token: str, raw: bytes, peer: str) -> Receipt:
        receipt = await self._context.receive(raw, peer=peer, bookmark=token)
        while receipt.retry:
            await self.settle(token)
            if token not in self._spool:
                break
            receipt = await self._context.receive(raw, peer=peer, bookmark=token)
        self._spool.pop(token, None)
        return receipt

    async def settle(self, token: str) -> None:
        self._tries += 1
        await trio.sleep(0 if self._tries == 1 else 1)

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        token = secrets.token_hex(4)
        self._spool[token] = raw
        receipt = await self.hand_in(token, raw, peer)
        connection.send(receipt.reply or b"")
        return not receipt.close


class TestNeverReadsItsBookmark(InboundVariant):
    connector = Spooling
    answers_again = False
    not_applicable: ClassVar = {**InboundVariant.not_applicable, **SPOOLED}
    caught_by: ClassVar = {
        "test_what_was_committed_after_all_is_received_once",
        "test_what_was_committed_before_a_kill_is_received_once",
    }


class HalfHearted(Spooling):
    """Reads its bookmark at the start alone."""

    async def catch_up(self) -> None:
        self._spool.pop(await self._context.bookmark(), None)
        await super().catch_up()


class TestReadsItsBookmarkAtTheStartAlone(InboundVariant):
    connector = HalfHearted
    answers_again = False
    not_applicable: ClassVar = {**InboundVariant.not_applicable, **SPOOLED}
    caught_by: ClassVar = {
        "test_what_was_committed_after_all_is_received_once",
    }


class Whole(HalfHearted):
    """Keeps every clause: reads its bookmark whenever an outcome is unknown."""

    async def settle(self, token: str) -> None:
        if await self._context.bookmark() == token:
            del self._spool[token]


class TestASoundSource(InboundVariant):
    connector = Whole
    answers_again = False
    not_applicable: ClassVar = {**InboundVariant.not_applicable, **SPOOLED}
    caught_by: ClassVar = set()
