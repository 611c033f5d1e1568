"""Changing something: by the running engine, else in its store while no engine can start; never under a running one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.cli.control import Control, NotAnswering, actor
from messagefoundry.cli.failures import FAILURES, NotFine, WrongCall, only_leaf
from messagefoundry.cli.live import graph_without_engine
from messagefoundry.cli.stored import reading
from messagefoundry.cli.times import now
from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, EngineRunning, StaleUnit
from messagefoundry.contracts.units import Resend
from messagefoundry.engine.background import background
from messagefoundry.engine.operations import COMMIT_SECONDS, Operations, UnknownConnection
from messagefoundry.engine.stored import open_store
from messagefoundry.pipeline.committer import Committer

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from messagefoundry.cli.configured import Configured

Act = Callable[[Operations], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What can be changed in one instance, each once by the engine and once without it."""

    configured: Configured

    def replay(self, ids: Sequence[int]) -> int:
        """Run Router and Handlers again over messages; how many."""
        return self._count("/messages/replay", {"ids": list(ids)}, lambda o: o.replay(ids, actor=actor()))

    def replay_dead(self, work_ids: Sequence[int]) -> int:
        """Replay dead letters; how many."""
        body = {"work_ids": list(work_ids)}
        return self._count("/dead-letters/replay", body, lambda o: o.replay_dead(work_ids, actor=actor()))

    def resend(self, ids: Sequence[int], to: str) -> int:
        """Queue stored payloads again; how many."""
        try:
            return int(self.control.post("/messages/resend", {"ids": list(ids), "to": to})["count"])
        except NotAnswering:
            simulate = self._simulated(to) if to else False
            return int(self._offline(lambda o: resent(o, ids, to, simulate=simulate)))

    def refuse_inbound(self, to: str) -> None:
        """Raise WrongCall when `to` is known as an inbound Connection's name; a name that is unknown is left be."""
        try:
            told = self.control.get("/connections")["connections"]
            inbounds = {str(each["name"]) for each in told if each["direction"] == "inbound"}
        except NotAnswering:
            configuration = self.configured.call.config
            inbounds = set(self.configured.graph_for_reading().inbounds) if configuration is not None else set()
        if to in inbounds:
            raise WrongCall(f"{to} is an inbound: --to names an outbound")

    def dead_letter(self, message_id: int, to: str) -> int:
        """Dead-letter what waits of a message; how much."""
        page = f"/messages/{message_id}/dead-letter"
        return self._count(page, {"to": to}, lambda o: o.dead_letter(message_id, to=to, actor=actor()))

    def hold(self, name: str, *, held: bool) -> str:
        """Stop or start a Connection; its state afterwards, and what is to be said of that."""
        page = f"/connections/{name}/{'stop' if held else 'start'}"
        try:
            told = self.control.post(page)
            return " ".join(str(told[key]) for key in ("state", "reason") if key in told)
        except NotAnswering:
            self._refuse_unknown([name])
            act: Act = lambda o: (o.stop if held else o.start)(name, actor=actor())  # noqa: E731
            return str(self._offline(act)) if held else self._started_later(name, str(self._offline(act)))

    def _started_later(self, name: str, usually: str) -> str:
        """What becomes of a Connection that is not stopped any longer when an engine starts."""
        graph = graph_without_engine(self.configured)
        item = graph.inbounds.get(name) or graph.outbounds[name]
        if not item.deployed:
            return "not deployed here (deployed=False)"
        return usually if item.auto_start else "auto_start=False: start it when the engine runs"

    def require(self, names: Sequence[str]) -> None:
        """Raise WrongCall unless each name is a Connection's of the running engine, else of the configuration."""
        try:
            known = [str(each["name"]) for each in self.control.get("/connections")["connections"]]
        except NotAnswering:
            self._refuse_unknown(names)
        else:
            refuse_unknown(names, known)

    def online(self, page: str, body: dict[str, Any] | None = None) -> Any:
        """What only a running engine can do. Raises WrongCall when none runs."""
        try:
            return self.control.post(page, body)
        except NotAnswering as error:
            self._refuse_mute_engine()
            path = self.configured.location.path
            raise WrongCall(f"no engine runs on the store {path}, and this needs one: messagefoundry serve") from error

    @property
    def control(self) -> Control:
        """The engine's socket."""
        return Control(self.configured.stores.control_path(self.configured.location))

    def _count(self, page: str, body: dict[str, Any], act: Act) -> int:
        try:
            return int(self.control.post(page, body)["count"])
        except NotAnswering:
            return int(self._offline(act))

    def _offline(self, act: Act) -> Any:
        with reading(self.configured):
            """There is a store: it is not to be made by a change to it."""
        try:
            return trio.run(partial(offline, self.configured, act))
        except FAILURES as error:
            leaf = only_leaf(error)
            if isinstance(leaf, EngineRunning):
                raise self._mute(leaf) from error
            if isinstance(leaf, UnknownConnection):
                raise WrongCall(str(leaf)) from error
            if isinstance(leaf, StaleUnit):
                raise NotFine("somebody else has changed this in the meantime: look again") from error
            raise leaf from None

    def _mute(self, error: EngineRunning) -> NotFine:
        return NotFine(
            f"{error}; it does not answer at {self.control.path}, and nothing is changed under a running engine: "
            "see its log, or stop it"
        )

    def _refuse_mute_engine(self) -> None:
        """A store that is not there has no engine, and to hold it would leave a lock behind."""
        stores, location = self.configured.stores, self.configured.location
        try:
            with reading(self.configured):
                stores.hold(location).release()
        except ConfigurationError:
            return
        except EngineRunning as error:
            raise self._mute(error) from error

    def _refuse_unknown(self, names: Sequence[str]) -> None:
        graph = graph_without_engine(self.configured)
        refuse_unknown(names, [*graph.inbounds, *graph.outbounds])

    def _simulated(self, to: str) -> bool:
        """Whether the configuration simulates an outbound. Raises WrongCall when it has none of this name."""
        self._refuse_mute_engine()
        if self.configured.call.config is None:
            raise WrongCall("resend --to needs a running engine, which knows the Connections, or --config DIR")
        outbounds = self.configured.graph_for_reading().outbounds
        refuse_unknown([to], outbounds)
        return outbounds[to].simulate


def refuse_unknown(names: Sequence[str], known: Collection[str]) -> None:
    """Raise WrongCall for the first of `names` that is not known."""
    for name in names:
        if name not in known:
            raise WrongCall(str(UnknownConnection(name, known)))


async def resent(operations: Operations, ids: Sequence[int], to: str, *, simulate: bool) -> int:
    """Queue stored payloads again for the lane `to`; `simulate` is what a running engine would know by itself."""
    unit = Resend(list(ids), actor(), now(), to, ([to] if simulate else []) if to else None)
    await operations.committer.commit(unit, lambda: None, patience=COMMIT_SECONDS)
    return unit.count


async def offline(configured: Configured, act: Act) -> Any:
    """Hold the store, so that no engine starts meanwhile, and act on it."""
    async with open_store(configured.stores, configured.location, Plaintext()) as stored:
        committer = Committer(stored.store)
        async with background([committer.run]):
            return await act(Operations(committer))
