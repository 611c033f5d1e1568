"""The reference sets of a running engine: what Handlers look up, and what waits for one that was never read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.contracts.errors import ConfigurationError, MessageFoundryError, Problem, fault_site
from messagefoundry.engine.reference_sync import Fetched, Synced
from messagefoundry.pipeline.committer import now
from messagefoundry.wiring.reference_sets import ReferenceSet, UnsyncedReferenceError, unknown
from messagefoundry.wiring.reference_users import waits_for

if TYPE_CHECKING:
    from messagefoundry.alerts.alarm import Alarm
    from messagefoundry.engine.stored import Reading
    from messagefoundry.pipeline.committer import Committer
    from messagefoundry.wiring.graph import DeclaredReference, Graph

log = logging.getLogger(__name__)

START_SECONDS = 30.0
"""How long a start or a reload waits for sources; at a start the reading goes on behind it."""

Note = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a reload does to the reference sets: new and changed ones with what they gave, and who waits for which."""

    sets: tuple[tuple[Synced, Fetched | None], ...]
    removed: tuple[str, ...]
    asked: Mapping[str, frozenset[str]]

    @property
    def names(self) -> tuple[str, ...]:
        """The sets that are new, changed or gone."""
        return (*(synced.declared.name for synced, _ in self.sets), *self.removed)


class References:
    """All sets of an engine. `note` puts down what happens; `moved` is called when an inbound may wait no longer."""

    def __init__(
        self, committer: Committer, alarm: Alarm, note: Note, moved: Callable[[], None], clock: Callable[[], int] = now
    ) -> None:
        self.clock = clock
        self.sets: dict[str, Synced] = {}
        self._former: dict[str, Synced] = {}
        self._committer = committer
        self._alarm = alarm
        self._said: dict[tuple[str, str], str] = {}
        self._note = note
        self._moved = moved
        self._asked: Mapping[str, frozenset[str]] = {}
        self._nursery: trio.Nursery | None = None

    # -- for Routers and Handlers --------------------------------------------------------------------------------

    def reference(self, name: str) -> ReferenceSet:
        """The set of this name; called in worker threads. Raises LookupError when there is none, or no copy of it."""
        synced = self.sets.get(name) or self._former.get(name)
        if synced is None:
            raise unknown(name, list(self.sets))
        if synced.copy is None:
            raise UnsyncedReferenceError(f"the reference set {name!r} was never synced: {synced.problem or 'not yet'}")
        return synced.copy.values

    def waited_for(self, inbound: str) -> str:
        """The sets that messages of an inbound may ask for and that were never read, in words; "" for none."""
        asked = sorted(self._asked.get(inbound, ()))
        missing = [name for name in asked if name in self.sets and self.sets[name].copy is None]
        return f"reference set{'s' if len(missing) > 1 else ''} {', '.join(missing)}" if missing else ""

    def waiting_for(self, synced: Synced) -> tuple[str, ...]:
        """The inbounds that a set keeps from starting."""
        name = synced.declared.name
        return () if synced.copy is not None else tuple(each for each, asked in self._asked.items() if name in asked)

    # -- the life of an engine -----------------------------------------------------------------------------------

    async def open(self, graph: Graph, read: Reading) -> None:
        """Begin with the copies that the store has."""
        self._asked = await trio.to_thread.run_sync(waits_for, graph)
        for declared in graph.references.values():
            self.sets[declared.name] = await self._restored(declared, read)

    async def run(self, *, at_once: bool = True, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Sync until cancelled. With `at_once` reports ready when every set was tried, or took too long."""
        async with trio.open_nursery() as self._nursery:
            self._begin(self.sets.values(), at_once=at_once)
            if at_once:
                with trio.move_on_after(START_SECONDS):
                    for synced in list(self.sets.values()):
                        await synced.first_try.wait()
            task_status.started()
            await trio.sleep_forever()

    async def _restored(self, declared: DeclaredReference, read: Reading) -> Synced:
        synced = Synced(declared, self._committer, self._told, self.clock_now)
        await read(synced.restore)
        return synced

    def clock_now(self) -> int:
        """The time that ages are reckoned from."""
        return self.clock()

    def _told(self, synced: Synced, kind: str, detail: str) -> None:
        """Put down what is news; trouble that goes on is only alerted of again, as often as such things are."""
        name, news = f"reference set {synced.declared.name}", self._said.get((synced.declared.name, kind)) != detail
        if kind == "synced":
            self._said = {said: text for said, text in self._said.items() if said[0] != synced.declared.name}
            self._note(name, kind, detail)
            self._moved()
        elif news:
            self._said[synced.declared.name, kind] = detail
            self._note(name, kind, detail, alert=True)
        elif self._alarm.raise_alert(kind, name, detail):
            log.warning("%s: still %s: %s", name, kind, detail)

    # -- reload --------------------------------------------------------------------------------------------------

    async def prepare(self, graph: Graph, read: Reading) -> Prepared:
        """Read the sources of new and changed sets. Raises ConfigurationError for a new one of which there is no copy.

        Nothing has changed then, nor when the result is not used.
        """
        gone = tuple(name for name in self.sets if name not in graph.references)
        differing = [each for each in graph.references.values() if not self._has(each)]
        found: dict[str, tuple[Synced, Fetched | None]] = {}
        async with trio.open_nursery() as nursery:
            for declared in differing:
                nursery.start_soon(self._prepare, await self._beginning(declared, read), found)
        problems = [self._unread(synced) for synced, _ in found.values() if self._is_unread(synced, found)]
        if problems:
            raise ConfigurationError(problems)
        ordered = tuple(found[declared.name] for declared in differing)
        return Prepared(ordered, gone, await trio.to_thread.run_sync(waits_for, graph))

    def _has(self, declared: DeclaredReference) -> bool:
        """Whether a set runs as it is declared; where that is written makes no difference."""
        synced = self.sets.get(declared.name)
        return synced is not None and synced.declared.is_like(declared)

    async def _beginning(self, declared: DeclaredReference, read: Reading) -> Synced:
        before = self.sets.get(declared.name)
        synced = await self._restored(declared, read)
        if before is not None:
            synced.adopt(before)
        return synced

    async def _prepare(self, synced: Synced, found: dict[str, tuple[Synced, Fetched | None]]) -> None:
        fetched = None
        try:
            fetched = await synced.fetch(START_SECONDS)
        except MessageFoundryError as error:
            synced.problem = str(error)
        except Exception as error:  # noqa: BLE001 - a source is a plugin; its fault must not stop the engine
            synced.problem = fault_site(error)
        found[synced.declared.name] = (synced, fetched)

    def _is_unread(self, synced: Synced, found: Mapping[str, tuple[Synced, Any]]) -> bool:
        name = synced.declared.name
        return found[name][1] is None and synced.copy is None and name not in self.sets

    def _unread(self, synced: Synced) -> Problem:
        place, text = synced.declared.place, f"its source cannot be read, and no copy of it is kept: {synced.problem}"
        return Problem(text, "", place.file, place.line, synced.declared.name)

    async def keep(self, prepared: Prepared) -> None:
        """End the tasks of what is changed or gone, and commit what was read. Raises MessageFoundryError.

        Handlers go on with the rows that they have.
        """
        ended = [self.sets[name] for name in prepared.names if name in self.sets]
        for synced in ended:
            await synced.end()
        try:
            for synced, found in prepared.sets:
                if synced.declared.name in self.sets:
                    synced.adopt(self.sets[synced.declared.name])
                if found is not None:
                    await synced.keep(found)
        except MessageFoundryError:
            for synced in ended:
                synced.doubt()
            self._begin(ended, at_once=False)
            raise

    def install(self, prepared: Prepared, *, draining: bool) -> None:
        """Show what was prepared; sets that are gone stay for the messages of inbounds that are `draining`."""
        gone = {name: self.sets.pop(name) for name in prepared.removed}
        self._former = {**self._former, **gone} if draining else {}
        self._asked = prepared.asked
        for synced, found in prepared.sets:
            self.sets[synced.declared.name] = synced
            self._begin([synced], at_once=found is None)

    def _begin(self, sets: Iterable[Synced], *, at_once: bool) -> None:
        if self._nursery is not None:
            for each in sets:
                each.begin(self._nursery, at_once=at_once)
