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
from messagefoundry.cli.mllp_client import Answer, Conversation, Target
from messagefoundry.cli.sources import as_on_the_wire
from messagefoundry.cli.status import first_line
from messagefoundry.cli.times import now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from messagefoundry.cli.control import Control
    from messagefoundry.cli.harness_choice import Pick

Page = dict[str, Any]

FINAL = frozenset({"PROCESSED", "FILTERED", "UNROUTED", "ERROR"})
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
                verdict = self._judged(await self._followed(settled))
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
            page = await self._followed(settled)
            before = self._judged(page)
            dead = [each["id"] for each in work_of(page, lane) if each["state"] == "dead"]
            if before.found != "ERROR" or not dead:
                return replace(before, passed=False, reason=before.reason or self._no_dead_letter(page))
            if fault.refused == 1 and self.pick.tries_again:
                return replace(before, passed=False, reason=f"{lane} gave up at the first AE and did not try again")
            fault.mended = True
            await self._ask(partial(self.ground.control.post, "/dead-letters/replay", {"work_ids": dead}))
            after = self._judged(await self._followed(settled))
        finally:
            self.played.fault = None
        found = f"ERROR, then {after.found}"
        return replace(after, found=found, passed=found == EXPECTED["dead_letter"] and not after.reason)

    def _no_dead_letter(self, page: Page | None) -> str:
        """Why there is none."""
        fault = self.played.fault
        if fault is not None and not fault.refused:
            return f"the partner of {self.pick.lane} did not get the message with MSH-10 {self.control_id}"
        return f"{self.pick.lane} has no dead letter of it"

    async def _followed(self, done: Callable[[Page], bool]) -> Page | None:
        """The message with work and trail once it is `done`, or as it is when time is up; None if there is none."""
        page: Page | None = None
        with trio.move_on_after(self.within):
            message_id = await self._found()
            while message_id is not None:
                page = await self._ask(partial(self.ground.control.get, f"/messages/{message_id}"))
                if done(page):
                    break
                await trio.sleep(LOOK_AGAIN_SECONDS)
        return page

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

    def _judged(self, page: Page | None) -> Verdict:
        pick, expected = self.pick, EXPECTED[self.pick.scenario]
        verdict = Verdict(
            pick.scenario, False, control_id=self.control_id, inbound=pick.inbound, source=pick.source.label
        )
        if page is None:
            return replace(verdict, reason=self._not_there())
        message = page["message"]
        found = str(message["disposition"])
        reason = self._undelivered(page) if settled(page) else self._unsettled(page)
        trail = tuple(trail_of(page))
        passed = found == expected and not reason
        return replace(verdict, passed=passed, found=found, reason=reason, message_id=int(message["id"]), trail=trail)

    def _not_there(self) -> str:
        """Why the engine has no such message."""
        if self.answer is None:
            return f"the engine received nothing within {self.within:g} s"
        if not self.answer.reached:
            return self.answer.text
        said = f"{self.answer.code} {self.answer.text}".strip()
        return f"the engine has no message with MSH-10 {self.control_id}; the sender got: {said}"

    def _undelivered(self, page: Page) -> str:
        """What the engine calls delivered and the harness, as the partner, has not got; "" when there is no such."""
        delivered = {each["lane"] for each in page["work"] if each["state"] == "delivered"}
        lacking = sorted(lane for lane in delivered if self.played.taken.get(lane) == 0)
        return f"it is called delivered, and the partner of {', '.join(lacking)} has not got it" if lacking else ""

    def _unsettled(self, page: Page) -> str:
        """What the message waits for."""
        waiting = next((each for each in page["work"] if each["state"] == "waiting"), None)
        last = f"; {waiting['lane'] or waiting['inbound']}: {why(waiting)}" if waiting else ""
        return f"it is not settled after {self.within:g} s{last}"


def settled(page: Page) -> bool:
    """Whether a message has its disposition."""
    return page["message"]["disposition"] in FINAL


def work_of(page: Page | None, lane: str) -> list[Page]:
    """The outbound work of a message for one lane."""
    return [] if page is None else [each for each in page["work"] if each["lane"] == lane]


def why(work: Page) -> str:
    """Why a piece of work waits."""
    attempts = work["attempts"]
    return f"tried {attempts} times, last: {work['error'] or 'no answer'}" if attempts else "not tried yet"


def trail_of(page: Page) -> list[str]:
    """The way of a message in a few words a step, errors with their first line alone."""
    errors = {each["handler"]: each["error"] for each in page["work"] if each["stage"] != "outbound"}
    return [step(event, errors) for event in page["trail"]]


def step(event: Page, errors: Mapping[str, str]) -> str:
    """One event of a trail."""
    kind, connection, detail = event["kind"], event["connection"], event["detail"]
    text = detail if isinstance(detail, str) else ""
    error = first_line(str(detail.get("error") or "")) if isinstance(detail, dict) else ""
    told = {
        "received": f"received by {connection}",
        "routed": f"routed to {text}",
        "unrouted": "no Handler named",
        "filtered": f"filtered by {text}",
        "failed": f"failed: {errors.get(text) or text}",
        "retry": f"{connection} tries again: {error or text}",
        "dead": f"{connection} dead letter: {error or text}",
        "replay": "replayed",
        "delivered": f"delivered to {connection}",
    }
    return told.get(kind, f"{kind} {connection} {text}".strip())
