"""Replies: an inbound with `reply_from` answers its sender with what its partner replied to the same message.

A message that goes on to a PassThrough inbound is followed there.
"""

from __future__ import annotations

import trio

from messagefoundry.contracts.units import HandOff, SettleDead, SettleDelivered


class Expectation:
    """Waits for the reply of one lane to one message; `reply` stays None when there will be none.

    `message_ids` are the message and what it was passed on as, `open` those of them that are not routed yet.
    """

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.message_ids: list[int] = []
        self.open: set[int] = set()
        self.sent = False
        self.reply: bytes | None = None
        self._known = trio.Event()

    def resolve(self, reply: bytes | None) -> None:
        """The outcome is known."""
        self.reply = reply
        self._known.set()

    async def wait(self) -> bytes | None:
        """The reply, or None when the message will not get one."""
        await self._known.wait()
        return self.reply


class Replies:
    """All expectations of the engine, by message. In memory only: a sender does not outlive the process."""

    def __init__(self) -> None:
        self._expected: dict[int, Expectation] = {}

    def expect(self, message_id: int, lane: str) -> Expectation:
        """Begin to wait, in the step that commits the message and so before it is routed."""
        expectation = Expectation(lane)
        self._follow(message_id, expectation)
        return expectation

    def forget(self, message_id: int) -> None:
        """Nobody waits any more."""
        expectation = self._expected.get(message_id)
        for followed in () if expectation is None else expectation.message_ids:
            self._expected.pop(followed, None)

    def handed_off(self, unit: HandOff) -> None:
        """A message that sends nothing to the expected lane will get no reply."""
        expectation = self._expected.get(unit.message_id)
        if expectation is None:
            return
        for passed in unit.passed:
            self._follow(passed.id, expectation)
        expectation.open.discard(unit.message_id)
        expectation.sent |= any(item.lane == expectation.lane for item in unit.outgoing)
        if not expectation.sent and not expectation.open:
            expectation.resolve(None)

    def settled(self, unit: SettleDelivered | SettleDead) -> None:
        """A lane has settled an item; a dead one has no reply to give."""
        expectation = self._expected.get(unit.message_id)
        if expectation is not None and expectation.lane == unit.lane:
            expectation.resolve(unit.reply if isinstance(unit, SettleDelivered) else None)

    def _follow(self, message_id: int, expectation: Expectation) -> None:
        expectation.message_ids.append(message_id)
        expectation.open.add(message_id)
        self._expected[message_id] = expectation
