"""Whatever is cancelled, before whichever step of any task: nothing acknowledged is lost, nothing is out of order.

A few messages go all the way, received -> routed -> handed off -> sent -> settled, through a lane that retries and one
that refuses, on virtual time. This is done again and again, something being cancelled before the first step of any
task, before the second, and so on, until a run ends before its turn. Then an engine starts over the same store.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.contracts.errors import StoreUnavailable
from messagefoundry.contracts.outbound import Delivered, OutboundItem, Rejected
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry.engine.plan import Plan
from messagefoundry.plugins import Installed
from messagefoundry.testing import MemoryStores
from messagefoundry.wiring.graph import Graph, Handler, Inbound, Outbound, Router
from messagefoundry.wiring.values import Send
from tests.engine.threadless import threadless, without_threads
from tests.engine.toy import SPEC, Partner, Sender, ToySettings
from tests.engine.world import QUICK, adt, control_id_of

if TYPE_CHECKING:
    from messagefoundry.engine.engine import Engine

LANES = ("OB_RETRIES", "OB_REFUSES")
SENDERS = (("M1", "M2"), ("M3", "M4", "M5"))
"""Two senders at once, each of which sends one message after the other."""

RETRIED, REFUSED = "M2", "M3"
UNSETTLED = 2
STORES = MemoryStores()
"""Holds one store, new for every run."""

LOCATION = StoreLocation(backend="memory", path="store")
MOST_STEPS = 5000


class Judge(Partner):
    """Retries or refuses one message; there is a checkpoint on either side of the moment in which it has a message."""

    def __init__(self) -> None:
        super().__init__()
        self.early: list[int] = []

    async def take(self, item: OutboundItem) -> Delivered | Rejected:
        await trio.lowlevel.checkpoint()
        if item.work_id not in STORES.disk(LOCATION).tables.work:
            self.early.append(item.work_id)
        earlier = sum(each.payload == item.payload for each in self.attempts)
        self.attempts.append(item)
        outcome = self.judge(control_id_of(item.payload), earlier)
        if isinstance(outcome, Delivered):
            self.delivered.append(item.payload)
        await trio.lowlevel.checkpoint()
        return outcome

    def judge(self, control_id: str, earlier: int) -> Delivered | Rejected:
        return Delivered(msa_1="AA")


class Retries(Judge):
    def judge(self, control_id: str, earlier: int) -> Delivered | Rejected:
        if control_id == RETRIED and not earlier:
            return Rejected("later", permanent=False, msa_1="AE")
        return Delivered(msa_1="AA")


class Refuses(Judge):
    def judge(self, control_id: str, earlier: int) -> Delivered | Rejected:
        if control_id == REFUSED:
            return Rejected("never", permanent=True, msa_1="AR")
        return Delivered(msa_1="AA")


class Countdown(trio.abc.Instrument):
    """Does something before the n-th step that any task takes from `begin` on; `over` once it has."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self._act: Callable[[], object] | None = None

    @property
    def over(self) -> bool:
        return self._left <= 0

    def begin(self, act: Callable[[], object]) -> None:
        self._act = act

    def end(self) -> None:
        self._act = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._act is None:
            return
        self._left -= 1
        if not self._left:
            self._act()


@dataclass
class Feed:
    """One inbound, two lanes, a store that outlives every engine, and what the senders remember."""

    sender: Sender = field(default_factory=Sender)
    partners: dict[str, Judge] = field(default_factory=lambda: {"OB_RETRIES": Retries(), "OB_REFUSES": Refuses()})
    acknowledged: set[str] = field(default_factory=set)

    @property
    def plan(self) -> Plan:
        lanes = {
            name: Outbound(name, SPEC, ToySettings(partner=partner), retry=QUICK)
            for name, partner in self.partners.items()
        }
        graph = Graph(
            {"IB": Inbound("IB", SPEC, ToySettings(sender=self.sender), "route", HL7V2)},
            lanes,
            {"route": Router("route", lambda msg: "all")},
            {"all": Handler("all", lambda msg: [Send(lane, msg) for lane in lanes])},
        )
        return Plan(graph, lambda: graph, Installed(), STORES, LOCATION, unsettled=UNSETTLED)

    async def send(self, control_ids: Sequence[str], scope: trio.CancelScope) -> None:
        """Send one message after the other, and remember which were acknowledged."""
        with scope:
            for control_id in control_ids:
                receipt = await self.sender.send(adt(control_id))
                if receipt.accepted:
                    assert receipt.message_id in STORES.disk(LOCATION).tables.messages, (
                        "the commit comes before the ACK"
                    )
                    self.acknowledged.add(control_id)


Victim = Callable[["Engine", Sequence[trio.CancelScope]], None]


def engine_alone(engine: Engine, scopes: Sequence[trio.CancelScope]) -> None:
    """Cancel the engine with everything in it."""
    scopes[0].cancel()


def engine_and_commit(engine: Engine, scopes: Sequence[trio.CancelScope]) -> None:
    """Cancel the engine, and let no commit be durable any more, not even one that is under way."""
    disk = STORES.disk(LOCATION)
    disk.outage = StoreUnavailable("the power is off")
    scopes[0].cancel()


def one_sender(engine: Engine, scopes: Sequence[trio.CancelScope]) -> None:
    """Cancel a sender, as a connection that ends does; the engine goes on."""
    scopes[1].cancel()


def one_lane(engine: Engine, scopes: Sequence[trio.CancelScope]) -> None:
    """Stop a lane, as an operator does, and start it again."""
    engine.connections["OB_RETRIES"].stop()
    engine.connections["OB_RETRIES"].start()


def the_inbound(engine: Engine, scopes: Sequence[trio.CancelScope]) -> None:
    """Stop the inbound, and start it again."""
    engine.connections["IB"].stop()
    engine.connections["IB"].start()


async def first_life(feed: Feed, countdown: Countdown, victim: Victim) -> None:
    """Send everything, with something cancelled on the way."""
    scopes = [trio.CancelScope() for _ in range(1 + len(SENDERS))]
    with scopes[0]:
        async with threadless(feed.plan) as engine:
            countdown.begin(lambda: victim(engine, scopes))
            async with trio.open_nursery() as senders:
                for control_ids, scope in zip(SENDERS, scopes[1:], strict=True):
                    senders.start_soon(feed.send, control_ids, scope)
            await at_rest(engine)
    countdown.end()


async def second_life(feed: Feed) -> None:
    """Do what is left."""
    async with threadless(feed.plan) as engine:
        await at_rest(engine)


async def at_rest(engine: Engine) -> None:
    """Wait until everything is delivered or dead."""
    while not engine.quiet or await engine.read(lambda reader: bool(reader.backlogs())):  # noqa: ASYNC110
        await trio.sleep(0.01)


async def both_lives(countdown: Countdown, victim: Victim) -> None:
    STORES.disks.clear()
    feed = Feed()
    with trio.fail_after(60):
        await first_life(feed, countdown, victim)
        STORES.disk(LOCATION).outage = None
        account(feed)
        await second_life(feed)
    account(feed)
    everything_came_to_its_end(feed)


def account(feed: Feed) -> None:
    """Received = delivered + dead + waiting, in every lane; and what was acknowledged was received."""
    tables = STORES.disk(LOCATION).tables
    received = [message.control_id for message in tables.messages.values()]
    assert feed.acknowledged <= set(received), "what was acknowledged is in the store"
    assert len(received) == len(set(received)), "nothing is received twice"
    for message in tables.messages.values():
        states = Counter((row.lane, row.state) for row in tables.work_of(message.id))
        if message.unrouted:
            assert not states, "what waits to be routed waits nowhere else"
        else:
            assert Counter(lane for lane, _ in states) == Counter(LANES)
            assert set(states.values()) == {1}
            assert {state for _, state in states} <= {"delivered", "dead", "waiting"}
    for lane, partner in feed.partners.items():
        assert not partner.early, "nothing is sent before its hand-off is durable"
        delivered = {row.message_id for row in tables.work.values() if (row.lane, row.state) == (lane, "delivered")}
        taken = {control_id_of(payload) for payload in partner.delivered}
        assert {tables.messages[key].control_id for key in delivered} <= taken, "what counts as delivered has arrived"


def everything_came_to_its_end(feed: Feed) -> None:
    """Each partner saw everything, in order, and no more often than the trail says and a crash allows."""
    tables = STORES.disk(LOCATION).tables
    order = [message.control_id for message in sorted(tables.messages.values(), key=lambda row: row.order)]
    ends = {message.control_id: tables.disposition(message) for message in tables.messages.values()}
    assert ends == {name: "ERROR" if name == REFUSED else "PROCESSED" for name in order}
    for lane, partner in feed.partners.items():
        seen = [item.message_id for item in partner.attempts]
        first_sights = [tables.messages[key].control_id for key in dict.fromkeys(seen)]
        assert first_sights == order, "the first sight of each message is in the order of its commit"
        told = Counter(event.message_id for event in tables.events.values() if event.connection == lane)
        untold = Counter(seen) - told
        assert untold.total() <= UNSETTLED, "no more deliveries than may be unsettled are on no trail"


@pytest.mark.parametrize(
    "victim", [engine_alone, engine_and_commit, one_sender, one_lane, the_inbound], ids=lambda one: one.__name__
)
def test_cancelled_before_every_step(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    without_threads(monkeypatch)
    for steps in itertools.count(1):
        countdown = Countdown(steps)
        try:
            trio.run(both_lives, countdown, victim, clock=MockClock(autojump_threshold=0), instruments=[countdown])
        except BaseException as error:
            error.add_note(f"{victim.__name__} was cancelled before step {steps}")
            raise
        if not countdown.over:
            break
        assert steps < MOST_STEPS
    print(f"{victim.__name__}: cancelled before each of {steps - 1} steps")
    assert steps > len(SENDERS) * 10, "there are steps to cancel before"
