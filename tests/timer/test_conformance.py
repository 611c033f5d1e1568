"""Timer keeps the clauses of its contract that a clock can have."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest
import trio

from messagefoundry.testing import AGAIN, NO, YES, InboundConformance, InboundPeer, InboundRecorder, InboundSubject
from messagefoundry.testing.discretion import SECRET
from messagefoundry_timer.settings import TimerSettings
from messagefoundry_timer.source import TimerSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from messagefoundry.contracts.inbound import InboundConnector, InboundContext

LOOK_SECONDS = 0.1
BODY = f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\rPID|1||{SECRET}\r"


class Hands(InboundPeer):
    """Somebody who moves the hands of the clock on until a run begins, and reads what became of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered = self._outcomes()

    async def send(self, payload: bytes) -> None:
        context = self._clock.context
        before = len(context.received)
        while len(context.received) == before:
            self._clock.now += 60
            await trio.sleep(1.2 * LOOK_SECONDS)

    async def answer(self) -> bytes | None:
        context = self._clock.context
        await context.until(lambda: self._outcomes() > self._answered)
        self._answered = self._outcomes()
        if context.notes:
            return {"run refused": NO, "run waits": AGAIN}[context.notes[-1][0]]
        return YES

    def _outcomes(self) -> int:
        return len(self._clock.context.committed) + len(self._clock.context.notes)

    async def send_part(self, payload: bytes) -> None:
        raise NotImplementedError


class Clock(InboundSubject):
    def __init__(self) -> None:
        self.now = 0.0
        self.context = InboundRecorder()

    def connector(self, context: InboundContext) -> InboundConnector:
        assert isinstance(context, InboundRecorder)
        self.context = context
        settings = TimerSettings(body=BODY, cron_expression="* * * * *", timezone="UTC")
        return TimerSource(settings, context, lambda: self.now, LOOK_SECONDS)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[InboundPeer]:
        yield Hands(self)

    def payload(self, text: str) -> bytes:
        return BODY.encode()

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        yield


_NO_PEER = "nobody sends: a clock has no connection that could be closed or answered"
_ONE_BODY = "the one message is an option of the Connection"


class TestTimer(InboundConformance):
    not_applicable: ClassVar = {
        "test_a_place_that_is_taken_is_an_oserror": "a clock is nobody's",
        "test_keeps_to_the_allowlist": _NO_PEER,
        "test_receives_a_large_message": _ONE_BODY,
        "test_receives_in_the_order_sent": _ONE_BODY,
        "test_a_slow_commit_holds_up_its_own_peer_alone": "runs do not overlap",
        "test_answers_as_the_receipt_says": _NO_PEER,
        "test_a_receipt_without_reply_answers_nothing": _NO_PEER,
        "test_a_receipt_can_close": _NO_PEER,
        "test_a_receipt_can_answer_and_close": _NO_PEER,
        "test_half_a_message_is_none": _ONE_BODY,
        "test_a_peer_that_leaves_during_the_commit_costs_nothing": _NO_PEER,
        "test_stopping_lets_peers_go": _NO_PEER,
        "test_second_answers_come_whole": _NO_PEER,
        "test_a_second_answer_holds_nothing_up": _NO_PEER,
        "test_a_second_answer_comes_after_the_first": _NO_PEER,
        "test_no_second_answer_is_none": _NO_PEER,
        "test_a_second_answer_goes_to_its_own_peer": _NO_PEER,
        "test_a_peer_that_leaves_before_its_second_answer_costs_nothing": _NO_PEER,
        "test_stops_while_a_second_answer_is_to_come": _NO_PEER,
        "test_what_was_not_committed_is_received_after_a_restart": "a run that is missed while down is not made up",
    }

    @pytest.fixture
    def subject(self) -> Clock:
        return Clock()
