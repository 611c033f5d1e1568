"""Inbound connectors that break the contract in second answers, each in one way. As broken_inbound.py."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import trio

from messagefoundry.testing import MemoryInbound
from tests.testing.broken_inbound import InboundVariant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from messagefoundry.testing.memory.network import MemoryConnection

    Later = Callable[[], Awaitable[bytes | None]]


class Torn(MemoryInbound):
    """Writes a second answer in two parts, between which others write."""

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        reply = await later()
        if reply is not None:
            connection.send(reply[:3])
            await trio.sleep(0.1)
            connection.send(reply[3:])


class TestMixesSecondAnswers(InboundVariant):
    connector = Torn
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_second_answer_comes_after_the_first",
        "test_a_second_answer_goes_to_its_own_peer",
        "test_a_second_answer_holds_nothing_up",
        "test_second_answers_come_whole",
    }


class Patient(MemoryInbound):
    """Waits for the second answer before it receives the next message."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        if receipt.reply is not None:
            connection.send(receipt.reply)
        if receipt.later is not None:
            await self._answer_again(connection, receipt.later, peer)
        return not receipt.close


class TestWaitsForTheSecondAnswer(InboundVariant):
    connector = Patient
    caught_by: ClassVar = {
        "test_a_second_answer_holds_nothing_up",
        "test_second_answers_come_whole",
    }


class Eager(MemoryInbound):
    """Gives a second answer that is there at once before the first."""

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        receipt = await self._context.receive(raw, peer=peer)
        if receipt.later is not None:
            self._tasks.start_soon(self._answer_again, connection, receipt.later, peer)
            await trio.sleep(0.1)
        if receipt.reply is not None:
            connection.send(receipt.reply)
        return not receipt.close


class TestGivesTheSecondAnswerFirst(InboundVariant):
    connector = Eager
    caught_by: ClassVar = {
        "test_a_second_answer_comes_after_the_first",
    }


class Wordy(MemoryInbound):
    """Answers something where there is no second answer."""

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        connection.send(await later() or b"")


class TestAnswersNoSecondAnswer(InboundVariant):
    connector = Wordy
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_second_answer_holds_nothing_up",
        "test_no_second_answer_is_none",
    }


class Astray(MemoryInbound):
    """Gives every second answer to who came last."""

    last: MemoryConnection

    async def _answer(self, connection: MemoryConnection, raw: bytes, peer: str) -> bool:
        self.last = connection
        return await super()._answer(connection, raw, peer)

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        reply = await later()
        if reply is not None:
            self.last.send(reply)


class TestGivesSecondAnswersToOthers(InboundVariant):
    connector = Astray
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_second_answer_goes_to_its_own_peer",
        "test_a_second_answer_holds_nothing_up",
    }


class Fragile(MemoryInbound):
    """Falls when the peer of a second answer has left."""

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        reply = await later()
        if reply is not None:
            connection.send(reply)


class TestFallsWithAPeerThatLeft(InboundVariant):
    connector = Fragile
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_second_answer_holds_nothing_up",
    }


class Clinging(MemoryInbound):
    """Does not end before the second answer, nor long after it."""

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        with trio.CancelScope(shield=True):
            await super()._answer_again(connection, later, peer)
            await trio.sleep(60)


class TestClingsToSecondAnswers(InboundVariant):
    connector = Clinging
    caught_by: ClassVar = {
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing",
        "test_a_second_answer_comes_after_the_first",
        "test_a_second_answer_goes_to_its_own_peer",
        "test_a_second_answer_holds_nothing_up",
        "test_no_second_answer_is_none",
        "test_second_answers_come_whole",
        "test_stops_while_a_second_answer_is_to_come",
    }


class Asking(MemoryInbound):
    """Asks twice for a second answer, and gives it once."""

    async def _answer_again(self, connection: MemoryConnection, later: Later, peer: str) -> None:
        await later()
        with suppress(OSError):
            await super()._answer_again(connection, later, peer)


class TestAsksTwiceForSecondAnswers(InboundVariant):
    connector = Asking
    caught_by: ClassVar = {
        "test_second_answers_come_whole",
    }
