"""Turns: Routers and Handlers run in worker threads, many messages to a crossing.

One shared thread serves all inbounds, a few milliseconds a turn. A turn that does not come back in time is halted: the
flow whose message holds it goes on in a thread of its own, everybody else's messages move to a new turn. Nothing here
is durable: a message whose run is abandoned is RECEIVED still.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from messagefoundry.contracts.errors import fault_site
from messagefoundry.pipeline.transform import Outcome, dead, transform, transform_one
from messagefoundry.wiring.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.units import WaitingMessage
    from messagefoundry.pipeline.flow import Flow
    from messagefoundry.wiring.graph import Graph

TURN_SECONDS = 0.005
PATIENCE_SECONDS = 0.05
TURN_MESSAGES = 64


class Job(NamedTuple):
    """One message of one flow to run under one graph."""

    flow: Flow
    message: WaitingMessage
    graph: Graph

    @property
    def stale(self) -> bool:
        """Whether the flow has got another graph since: what this gave is not to be kept."""
        return self.graph is not self.flow.graph


class Result(NamedTuple):
    """What running a job gave."""

    job: Job
    outcome: Outcome


class Turn:
    """Jobs for one crossing into a worker thread. `run` is called in the thread, everything else in the trio thread."""

    def __init__(self, jobs: Sequence[Job], seconds: float = TURN_SECONDS) -> None:
        self._jobs = jobs
        self._seconds = seconds
        self._lock = threading.Lock()
        self._position = 0
        self._halted = False
        self._reported = 0
        self._results: list[Result] = []

    def run(self) -> None:
        """Run jobs until all are done, the turn is over, or it is halted; always at least one."""
        end = time.monotonic() + self._seconds
        while (job := self._claim()) is not None:
            result = Result(job, run(job))
            with self._lock:
                self._results.append(result)
            if time.monotonic() >= end:
                return

    def _claim(self) -> Job | None:
        with self._lock:
            if self._halted or self._position >= len(self._jobs):
                return None
            self._position += 1
            return self._jobs[self._position - 1]

    def halt(self) -> Job | None:
        """Let no further job begin; the job that is being run, if any."""
        with self._lock:
            self._halted = True
            return self._jobs[self._position - 1] if len(self._results) < self._position else None

    def results(self) -> list[Result]:
        """What has been finished since the last call, in order."""
        with self._lock:
            fresh = self._results[self._reported :]
            self._reported = len(self._results)
            return fresh

    def unclaimed(self) -> Sequence[Job]:
        """Jobs that have not begun, each given once; asked when the turn is over or halted."""
        with self._lock:
            unclaimed, self._jobs = self._jobs[self._position :], self._jobs[: self._position]
            return unclaimed


def run(job: Job) -> Outcome:
    """Run one job: the whole message, or one Handler of it. What it writes is seen by those that are run after it."""
    message, inbound, graph = job.message, job.graph.inbounds[job.flow.inbound.name], job.graph
    lookups = job.flow.lookups
    running = Running(message.received_at, message.message_id, message.parent_id, message.depth, lookups)
    try:
        if message.routed_id is not None:
            outcome = transform_one(graph, inbound, message.handler, message.raw, message.encoding, running)
        else:
            outcome = transform(graph, inbound, message.raw, message.encoding, running)
        if outcome.states and message.message_id not in job.flow.gone:
            lookups.writes.written(outcome.states)
        return outcome
    except Exception as error:  # noqa: BLE001 - a fault of our own costs this message its way, not the others theirs
        return dead(message, f"a fault of the engine: {fault_site(error)}")


def gather(flows: Sequence[Flow], limit: int = TURN_MESSAGES) -> list[Job]:
    """The next jobs of a shared turn, a fair share from every flow that has some, each flow's in order."""
    ready = [flow for flow in flows if flow.shares and flow.window.peek() is not None]
    jobs: list[Job] = []
    share = max(1, limit // max(1, len(ready)))
    for flow in ready:
        jobs.extend(take(flow, min(share, limit - len(jobs))))
        if len(jobs) >= limit:
            break
    return jobs


def take(flow: Flow, limit: int) -> list[Job]:
    """Up to `limit` jobs of one flow, in order."""
    jobs: list[Job] = []
    while len(jobs) < limit and (message := flow.window.take()) is not None:
        jobs.append(Job(flow, message, flow.graph))
    return jobs


def give_back(jobs: Sequence[Job]) -> None:
    """Put jobs that did not run back at the head of their flows."""
    by_flow: dict[Flow, list[Job]] = {}
    for job in jobs:
        by_flow.setdefault(job.flow, []).append(job)
    for flow, own in by_flow.items():
        flow.window.put_back([(job.message, len(job.message.raw)) for job in own])
