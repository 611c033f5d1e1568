"""One scenario against an engine: send a message, follow it to its disposition, and judge what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.cli.control import NotAnswering
from messagefoundry.cli.failures import NotFine
from messagefoundry.cli.harness_choice import EXPECTED
from messagefoundry.cli.harness_played import Fault, PlayedPartners
from messagefoundry.cli.harness_trail import delivered_to, owner_of, settled, way_of, why, work_of
from messagefoundry.cli.mllp_client import Answer, Conversation, Target
from messagefoundry.cli.sources import as_on_the_wire
from messagefoundry.cli.times import now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from messagefoundry.cli.control import Control
    from messagefoundry.cli.harness_choice import Pick
    from messagefoundry.cli.harness_trail import Page

LOOK_AGAIN_SECONDS = 0.05
ANSWER_SECONDS = 1.0
"""How long the sender's answer is waited for once the disposition is known."""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Ground:
    """The engine that is proven: its control socket, and where each inbound listens. `shared`: others use it too."""

    control: Control
    targets: Mapping[str, Target]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scenario came to. `passed` is None when it could not be tried; `reason` then says what is needed."""

    scenario: str
    passed: bool | None
    found: str = ""
    reason: str = ""
    seconds: float = 0.0
    message_id: int | None = None
    control_id: str = ""
    inbound: str = ""
    source: str = ""
    answer: str = ""
    trail: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "scenario": self.scenario,
            "passed": self.passed,
            "expected": EXPECTED[self.scenario],
            "found": self.found or None,
            "reason": self.reason or None,
            "seconds": round(self.seconds, 3),
            "message_id": self.message_id,
            "control_id": self.control_id or None,
            "inbound": self.inbound or None,
            "source": self.source or None,
            "answer": self.answer or None,
            "trail": list(self.trail),
        }


def fresh_control_id() -> str:
    """An MSH-10 that nothing else has: the present microsecond in base 36."""
    number, text = now(), ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
    return f"SCN{text}"


def addressed(raw: bytes, control_id: str) -> bytes:
    """The message with another MSH-10, as MLLP carries it; the rest of it unchanged to the byte."""
    wire = as_on_the_wire(raw)
    header, end, rest = wire.partition(b"\r")
    separator = header[3:4]
    fields = header.split(separator)
    fields += [b""] * (10 - len(fields))
    fields[9] = control_id.encode()
    return separator.join(fields) + end + rest


@dataclass(slots=True)
class Trial:
    """A scenario being tried."""

    ground: Ground
    pick: Pick
    played: PlayedPartners
    within: float
    control_id: str = field(default_factory=fresh_control_id)
    answer: Answer | None = None
    _answered: trio.Event = field(default_factory=trio.Event)

    async def run(self) -> Verdict:
        """Send the message and follow it. Raises NotFine when the engine does not answer any more."""
        began = trio.current_time()
        self.played.forget()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send)
            if self.pick.scenario == "dead_letter":
                verdict = await self._dead_letter()
            else:
                verdict = self._judged(await self._followed())
            seconds = trio.current_time() - began
            with trio.move_on_after(ANSWER_SECONDS):
                await self._answered.wait()
            nursery.cancel_scope.cancel()
        answer = self.answer.code if self.answer is not None else ""
        return replace(verdict, seconds=seconds, answer=answer)

    async def _send(self) -> None:
        target = replace(self.ground.targets[self.pick.inbound], timeout=self.within)
        async with Conversation(target) as conversation:
            self.answer = await conversation.ask(addressed(self.pick.source.raw, self.control_id))
        self._answered.set()

    async def _dead_letter(self) -> Verdict:
        """Have the lane try again and give up, see the dead letter, replay it, and see it delivered."""
        lane = self.pick.lane
        fault = self.played.fault = Fault(lane, self.control_id if self.ground.shared else "")
        try:
            pages = await self._followed()
            before = self._judged(pages)
            dead = [each["id"] for each in work_of(pages, lane) if each["state"] == "dead"]
            if before.found != "ERROR" or not dead:
                return replace(before, passed=False, reason=before.reason or self._no_dead_letter())
            if fault.refused == 1 and self.pick.tries_again:
                return replace(before, passed=False, reason=f"{lane} gave up at the first AE and did not try again")
            fault.mended = True
            await self._ask(partial(self.ground.control.post, "/dead-letters/replay", {"work_ids": dead}))
            after = self._judged(await self._followed())
        finally:
            self.played.fault = None
        found = f"ERROR, then {after.found}"
        return replace(after, found=found, passed=found == EXPECTED["dead_letter"] and not after.reason)

    def _no_dead_letter(self) -> str:
        """Why there is none."""
        fault = self.played.fault
        if fault is not None and not fault.refused:
            return f"the partner of {self.pick.lane} did not get the message with MSH-10 {self.control_id}"
        return f"{self.pick.lane} has no dead letter of it"

    async def _followed(self) -> list[Page]:
        """The message, and what it was passed on as, once all are settled, or as they are when time is up.

        Nothing if there is no such message.
        """
        pages: list[Page] = []
        with trio.move_on_after(self.within):
            message_id = await self._found()
            while message_id is not None:
                pages = await self._pages(message_id)
                if settled(pages):
                    break
                await trio.sleep(LOOK_AGAIN_SECONDS)
        return pages

    async def _pages(self, message_id: int) -> list[Page]:
        """A message, and behind it each one that a PassThrough received of it."""
        page = await self._ask(partial(self.ground.control.get, f"/messages/{message_id}"))
        onward = [each["id"] for each in page["children"] if each["inbound"] in self.pick.pass_throughs]
        return [page, *[found for each in onward for found in await self._pages(each)]]

    async def _found(self) -> int | None:
        """The id of the message; None once it was answered and is not there, or cannot be sent."""
        while True:
            answered = self._answered.is_set()
            rows = await self._ask(partial(self.ground.control.get, f"/messages?control_id={self.control_id}"))
            if rows["messages"]:  # the newest first: what was made of it within the engine comes before it
                return int(rows["messages"][-1]["id"])
            if answered:
                return None
            await trio.sleep(LOOK_AGAIN_SECONDS)

    async def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return await trio.to_thread.run_sync(question, abandon_on_cancel=True)
        except NotAnswering as error:
            raise NotFine("the engine went away while a scenario was tried: its log says why") from error

    def _judged(self, pages: Sequence[Page]) -> Verdict:
        pick, expected = self.pick, EXPECTED[self.pick.scenario]
        verdict = Verdict(
            pick.scenario, False, control_id=self.control_id, inbound=pick.inbound, source=pick.source.label
        )
        if not pages:
            return replace(verdict, reason=self._not_there())
        message_id = int(pages[0]["message"]["id"])
        found = str(owner_of(pages, pick.lane)["message"]["disposition"])
        reason = self._undelivered(pages) if settled(pages) else self._unsettled(pages)
        if not reason and pick.scenario == "processed":
            reason = _astray(pages[1:], delivered_to(pages))
        passed = found == expected and not reason
        trail = tuple(way_of(pages))
        return replace(verdict, passed=passed, found=found, reason=reason, message_id=message_id, trail=trail)

    def _not_there(self) -> str:
        """Why the engine has no such message."""
        if self.answer is None:
            return f"the engine received nothing within {self.within:g} s"
        if not self.answer.reached:
            return self.answer.text
        said = f"{self.answer.code} {self.answer.text}".strip()
        return f"the engine has no message with MSH-10 {self.control_id}; the sender got: {said}"

    def _undelivered(self, pages: Sequence[Page]) -> str:
        """What the engine calls delivered and the harness, as the partner, has not got; "" when there is no such."""
        lacking = sorted(lane for lane in delivered_to(pages) if self.played.taken.get(lane) == 0)
        return f"it is called delivered, and the partner of {', '.join(lacking)} has not got it" if lacking else ""

    def _unsettled(self, pages: Sequence[Page]) -> str:
        """What the message, or one that it was passed on as, waits for."""
        waiting = next((each for page in pages for each in page["work"] if each["state"] == "waiting"), None)
        last = f"; {waiting['lane'] or waiting['inbound']}: {why(waiting)}" if waiting else ""
        return f"it is not settled after {self.within:g} s{last}"


def _astray(onward: Sequence[Page], delivered: Collection[str]) -> str:
    """What keeps a message that was passed on from being sent and delivered; "" when it was, or was not passed on."""
    failed = next((page["message"] for page in onward if page["message"]["disposition"] == "ERROR"), None)
    if failed is not None:
        return f"it was passed on to {failed['inbound']}, whose message {failed['id']} is ERROR"
    if onward and not delivered:
        inbounds = ", ".join(dict.fromkeys(page["message"]["inbound"] for page in onward))
        return f"it was passed on to {inbounds}, and nothing of it was delivered"
    return ""
