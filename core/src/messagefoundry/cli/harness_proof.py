"""What the scenarios are tried on, and trying them there: a throwaway engine, or the one that runs."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.harness_choice import Choice, Means, candidates, choose
from messagefoundry.cli.harness_engine import StandIns
from messagefoundry.cli.harness_played import PlayedPartners
from messagefoundry.cli.harness_running import RunningEngine, found_running
from messagefoundry.cli.harness_throwaway import throwaway
from messagefoundry.cli.harness_trial import Ground, Trial, Verdict
from messagefoundry.cli.init import FILES, written
from messagefoundry.cli.options import USUAL_DIRECTORY
from messagefoundry.cli.output import plural
from messagefoundry.cli.selection import confirm
from messagefoundry.cli.sources import sources
from messagefoundry.cli.watch import watching
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.harness.workplace import free_ports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from messagefoundry.cli.sources import Source
    from messagefoundry.wiring.graph import Graph

Tell = Callable[[Verdict], None]
Say = Callable[[str], None]

NO_OUTBOUND = "this configuration has no outbound"
NO_PARTNER = (
    "give --partner OUTBOUND, an MLLP outbound that leads to this machine: the harness plays its partner; without"
    " --running it plays all"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be proven, and on what."""

    scenarios: Sequence[str]
    given: Mapping[str, Source]
    samples: Sequence[Source]
    config: Path | None
    service_config: Path | None
    db: str | None
    env: str | None
    project_root: str | None
    running: bool
    address: str | None
    partner: str
    inbound: str
    within: float
    yes: bool

    @property
    def call(self) -> Call:
        """The instance that the options name."""
        config = self.config or USUAL_DIRECTORY
        return Call(config, self.service_config, self.db, self.env, self.project_root)


def prove(wish: Wish, tell: Tell, say: Say) -> dict[str, Any]:
    """Try every scenario, telling each verdict as it comes; what engine they were tried on."""
    if not hasattr(socket, "AF_UNIX"):
        raise WrongCall(
            "the scenarios follow messages through the engine's control socket, which Windows does not have"
        )
    if wish.running:
        return _prove_running(wish, tell, say)
    if wish.address or wish.partner:
        raise WrongCall("--to and --partner are about an engine that runs: say --running too")
    with tempfile.TemporaryDirectory(prefix="messagefoundry-scenario-") as name:
        return _prove_throwaway(wish, Path(name), tell, say)


def _prove_throwaway(wish: Wish, folder: Path, tell: Tell, say: Say) -> dict[str, Any]:
    call, samples, about = _subject(wish, folder)
    graph = Configured(call).graph_for_reading()
    lanes = [each.name for each in graph.outbounds.values() if each.deployed]
    inbounds = [each.name for each in graph.inbounds.values() if each.deployed and each.settings.fed_by == "outside"]
    choice = _chosen(wish, Means(graph, _wanted(wish, graph, inbounds), lanes, NO_OUTBOUND), samples)
    say(f"a throwaway engine runs {about}; the harness plays the partners of {', '.join(lanes) or 'no outbound'}")
    trio.run(partial(_on_throwaway, wish, call, choice, lanes, folder, tell))
    return {"kind": "throwaway", "configuration": about}


def _subject(wish: Wish, folder: Path) -> tuple[Call, Sequence[Source], str]:
    """The configuration that is run, the messages to look among, and what to call it."""
    if wish.config is not None or USUAL_DIRECTORY.is_dir():
        return wish.call, wish.samples, str(wish.call.config)
    written(folder / "init")
    home = folder / "init"
    call = Call(home / "config", home / "messagefoundry.toml", env="dev", project_root=str(home))
    found = list(sources([home / "messages"]))
    named = [_renamed(each) for each in found]
    return call, [*wish.samples, *named], "what `messagefoundry init` writes, as there is no ./config"


def _renamed(source: Source) -> Source:
    """The source with the name that it has in what `init` writes, for its folder is gone soon."""
    name = next((each for each in FILES if each.endswith(source.path.name)), source.label)
    return replace(source, label=name)


def _wanted(wish: Wish, graph: Graph, inbounds: Sequence[str]) -> list[str]:
    """The inbounds to send to. Raises WrongCall when one was named that is none of them."""
    if not wish.inbound:
        return list(inbounds)
    if wish.inbound not in inbounds:
        mend = did_you_mean(wish.inbound, inbounds) or f"there are {', '.join(inbounds) or 'none'}"
        raise WrongCall(f"--inbound {wish.inbound}: no such inbound can be sent to: {mend}")
    content = graph.inbounds[wish.inbound].content_type
    if content != "hl7v2":
        raise WrongCall(f"--inbound {wish.inbound} takes {content}: the scenarios are told apart by MSH-10, in HL7 v2")
    return [wish.inbound]


def _chosen(wish: Wish, means: Means, samples: Sequence[Source]) -> Choice:
    with watching() as watch:
        return choose(means, wish.scenarios, wish.given, watch.each(candidates(samples)))


async def _on_throwaway(
    wish: Wish, call: Call, choice: Choice, lanes: Collection[str], folder: Path, tell: Tell
) -> None:
    names = list(dict.fromkeys(each.inbound for each in choice.picks.values()))
    async with trio.open_nursery() as nursery:
        played = PlayedPartners()
        outbounds = await played.open(nursery, dict.fromkeys(lanes, 0))
        ports = StandIns(dict(zip(names, free_ports(len(names)), strict=True)), outbounds)
        if names:
            async with throwaway(call, ports, folder) as ground:
                await _tried(wish, choice, ground, played, tell)
        else:
            _tell_untried(wish, choice, tell)
        nursery.cancel_scope.cancel()


async def _tried(wish: Wish, choice: Choice, ground: Ground, played: PlayedPartners, tell: Tell) -> None:
    for scenario in wish.scenarios:
        if scenario in choice.reasons:
            tell(Verdict(scenario, None, reason=choice.reasons[scenario]))
        else:
            tell(await Trial(ground, choice.picks[scenario], played, wish.within).run())


def _tell_untried(wish: Wish, choice: Choice, tell: Tell) -> None:
    for scenario in wish.scenarios:
        tell(Verdict(scenario, None, reason=choice.reasons[scenario]))


def _prove_running(wish: Wish, tell: Tell, say: Say) -> dict[str, Any]:
    configured = Configured(wish.call)
    engine = found_running(configured, wish.address, wish.partner)
    graph = configured.graph_for_reading()
    inbounds = [name for name in graph.inbounds if name in engine.targets]
    lanes = [wish.partner] if wish.partner else []
    choice = _chosen(wish, Means(graph, _wanted(wish, graph, inbounds), lanes, NO_PARTNER), wish.samples)
    count = plural(len(choice.picks), "message")
    place = configured.stores.describe(configured.location)
    if choice.picks:
        confirm(f"{count} for the running engine, and on to its partners; {place}. Go on?", yes=wish.yes)
    say(f"the running engine, {place}" + (f"; the harness plays the partner of {wish.partner}" if lanes else ""))
    trio.run(partial(_on_running, wish, engine, choice, tell))
    return {"kind": "running", "configuration": str(configured.directory), "store": place}


async def _on_running(wish: Wish, engine: RunningEngine, choice: Choice, tell: Tell) -> None:
    async with trio.open_nursery() as nursery:
        played = PlayedPartners()
        try:
            await played.open(nursery, engine.partners)
        except OSError as error:
            mend = "stop the partner that listens there already"
            raise WrongCall(
                f"the harness cannot play the partner of {wish.partner}: {error.strerror}: {mend}"
            ) from error
        await _tried(wish, choice, Ground(engine.control, engine.targets, shared=True), played, tell)
        nursery.cancel_scope.cancel()
