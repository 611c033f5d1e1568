"""Routing: takes received messages through Routers and Handlers to their hand-off."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import MessageFoundryError, UnstorableUnit
from messagefoundry.contracts.units import HandOff, MarkAttempt
from messagefoundry.pipeline.committer import Committer, now
from messagefoundry.pipeline.crossing import Call, Crossing
from messagefoundry.pipeline.transform import Outcome, dead
from messagefoundry.pipeline.turns import PATIENCE_SECONDS, Job, Result, Turn, gather, give_back, take

if TYPE_CHECKING:
    from messagefoundry.contracts.units import WaitingMessage
    from messagefoundry.pipeline.flow import Flow

log = logging.getLogger(__name__)

DEATHS = 3
CAREFUL_PATIENCE_SECONDS = 2.0
DETACHED_MESSAGES = 16
CROWDED_SWITCH_SECONDS = 0.00005
STORE_REFUSED = -1
"""The attempts of a message whose outcome the store could not hold: its next outcome says only that."""

HandedOff = Callable[[HandOff], None]


class Routing:
    """Runs flows; `handed_off` is told of every committed hand-off, in commit order."""

    def __init__(self, flows: Mapping[str, Flow], committer: Committer, handed_off: HandedOff) -> None:
        self._flows = flows
        self._committer = committer
        self._handed_off = handed_off
        self._wake = trio.Event()
        self._detached: dict[str, trio.Event] = {}
        self._crowded = False

    def wake(self) -> None:
        """There is something to route."""
        self._wake.set()
        for event in self._detached.values():
            event.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Route until cancelled. A run in progress is abandoned then: its message is RECEIVED still."""
        self._thread = Crossing("routing")
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await self._route_for_ever()
        finally:
            self._thread.close()

    async def _route_for_ever(self) -> None:
        while True:
            self._wake = trio.Event()
            careful = [flow for flow in self._flows.values() if flow.shares and self._is_careful(flow)]
            if careful:
                await self._carefully(careful)
            elif jobs := gather(list(self._flows.values())):
                await self._shared_turn(jobs, PATIENCE_SECONDS)
            else:
                await self._wake.wait()

    # -- turns ---------------------------------------------------------------------------------------------------

    async def _shared_turn(self, jobs: Sequence[Job], patience: float) -> None:
        turn = Turn(jobs)
        call = self._thread.begin(turn.run)
        with trio.move_on_after(patience) as scope:
            await call.wait(abandon=True)
        stuck = turn.halt() if scope.cancelled_caught else None
        self._finish(turn)
        if stuck is not None:
            self._detach(stuck.flow, turn, call)

    def _detach(self, flow: Flow, turn: Turn, call: Call[None]) -> None:
        """A flow that overran a shared turn keeps the thread that it holds; the others get a new one."""
        log.info("%s overran a shared turn; it is routed by a thread of its own from now on", flow.inbound.name)
        flow.detached, flow.turn_began = True, time.monotonic()
        self._detached[flow.inbound.name] = trio.Event()
        self._nursery.start_soon(self._run_detached, flow, turn, call, self._thread)
        self._thread = Crossing("routing")

    async def _run_detached(self, flow: Flow, turn: Turn, call: Call[None], thread: Crossing) -> None:
        try:
            while True:
                await self._overdue(call, thread)
                flow.turn_began = math.inf
                self._finish(turn)
                turn = Turn(await self._next_detached(flow))
                flow.turn_began = time.monotonic()
                call = thread.begin(turn.run)
        finally:
            thread.close()

    async def _overdue(self, call: Call[None], thread: Crossing) -> None:
        """Wait for a turn; while its code keeps a processor busy, the other threads get their turns sooner."""
        with ExitStack() as stack:
            while not call.over.is_set():
                used = thread.processor_seconds()
                with trio.move_on_after(PATIENCE_SECONDS) as scope:
                    await call.wait(abandon=True)
                burning = thread.processor_seconds() - used >= PATIENCE_SECONDS / 2
                if scope.cancelled_caught and burning and not self._crowded:
                    stack.enter_context(self._giving_way())
        await call.wait(abandon=True)

    @contextmanager
    def _giving_way(self) -> Iterator[None]:
        """Let threads that hold the interpreter give way sooner: a commit asks for it some thirty times."""
        usual = sys.getswitchinterval()
        self._crowded = True
        sys.setswitchinterval(min(usual, CROWDED_SWITCH_SECONDS))
        try:
            yield
        finally:
            self._crowded = False
            sys.setswitchinterval(usual)

    async def _next_detached(self, flow: Flow) -> Sequence[Job]:
        """Wait for the next jobs of a detached flow; one of before an unclean stop comes alone, its attempt counted."""
        while True:
            careful = self._is_careful(flow)
            jobs = [] if flow.paused else take(flow, 1 if careful else DETACHED_MESSAGES)
            if not jobs:
                event = self._detached[flow.inbound.name] = trio.Event()
                await event.wait()
            elif not careful or await self._counted(jobs[0]):
                return jobs

    # -- after an unclean stop -----------------------------------------------------------------------------------

    def _is_careful(self, flow: Flow) -> bool:
        """Whether messages of before the unclean stop are left; a flow that has none more is careful no longer."""
        if not flow.careful_until:
            return False
        message = flow.window.peek()
        if message is None:
            if not flow.window.spilled:
                flow.careful_until = 0
            return bool(flow.careful_until)
        if message.order > flow.careful_until:
            flow.careful_until = 0
        return bool(flow.careful_until)

    async def _carefully(self, flows: Sequence[Flow]) -> None:
        """Run the oldest such message alone, its attempt counted durably first."""
        waiting = [(message.order, flow) for flow in flows if (message := flow.window.peek()) is not None]
        if not waiting:
            await self._wake.wait()
            return
        _, flow = min(waiting, key=lambda pair: pair[0])
        (job,) = take(flow, 1)
        if await self._counted(job):
            await self._shared_turn([job], CAREFUL_PATIENCE_SECONDS)

    async def _counted(self, job: Job) -> bool:
        """Count an attempt durably before it begins. False when it is not to: its message has killed, or is gone."""
        mark = MarkAttempt(job.message.message_id)
        try:
            await self._committer.commit(mark)
        except MessageFoundryError:
            job.flow.window.release(len(job.message.raw))
            return False
        if mark.attempts >= DEATHS:
            self._submit(Result(job, died(job.message)))
            return False
        return True

    # -- hand-off ------------------------------------------------------------------------------------------------

    def _finish(self, turn: Turn) -> None:
        """Hand off what a turn gave; what did not run, or ran under an older graph, goes back to its flow."""
        results = turn.results()
        for result in results:
            if not result.job.stale:
                self._submit(result)
            elif result.outcome.states:
                result.job.flow.lookups.writes.dropped(result.outcome.states)
        give_back([*(result.job for result in results if result.job.stale), *turn.unclaimed()])

    def _submit(self, result: Result) -> None:
        job, outcome = result.job, result.outcome
        unit = HandOff(
            job.message.message_id,
            job.flow.inbound.name,
            outcome.routing,
            outcome.outgoing,
            outcome.failed,
            outcome.detail,
            now(),
            job.message.routed_id,
            outcome.passed,
            outcome.states,
            outcome.meta,
        )
        size = sum(len(outgoing.payload) for outgoing in outcome.outgoing)
        if outcome.passed or outcome.states:
            size += sum(len(passed.raw) for passed in outcome.passed) + sum(len(kept.value) for kept in outcome.states)
        self._committer.submit(unit, partial(self._committed, job, unit), partial(self._failed, job, unit), size=size)

    def _committed(self, job: Job, unit: HandOff) -> None:
        if unit.states:
            job.flow.lookups.writes.committed(unit.states)
        job.flow.window.release(len(job.message.raw))
        self._handed_off(unit)

    def _failed(self, job: Job, unit: HandOff, error: MessageFoundryError) -> None:
        """A hand-off that met other rows than it expects is dropped: an operator has decided about its message."""
        if unit.states:
            job.flow.lookups.writes.dropped(unit.states)
        if isinstance(error, UnstorableUnit) and job.message.attempts != STORE_REFUSED:
            kept = job._replace(message=job.message._replace(attempts=STORE_REFUSED))
            self._submit(Result(kept, dead(kept.message, str(error))))
        else:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        log.warning("the outcome of message %d was dropped: it is no longer waiting", job.message.message_id)
        job.flow.window.release(len(job.message.raw))


def died(message: WaitingMessage) -> Outcome:
    """The outcome of a message during whose runs the process has died too often."""
    return dead(message, f"the engine died {DEATHS} times while running this message; it is not run again by itself")
