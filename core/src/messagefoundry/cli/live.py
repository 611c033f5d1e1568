"""What a running engine says of itself, or that none answers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.configured import Configured
from messagefoundry.cli.control import Control, NotAnswering
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.options import USUAL_DIRECTORY
from messagefoundry.cli.times import moment
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.contracts.stores import Backlog, StoreReader
    from messagefoundry.wiring.graph import Graph, Inbound, Outbound

NOT_RUNNING = "engine not running"


@dataclass(frozen=True, slots=True)
class Seen:
    """One Connection as a command shows it. Times in microseconds since the epoch, 0 for none."""

    name: str
    direction: str
    connector: str
    endpoint: str
    state: str
    reason: str = ""
    since: int = 0
    doing: str = ""
    next_try: int = 0
    simulated: bool = False
    flagged: bool = False
    held: bool = False
    waiting: int = 0
    oldest: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    schedule: Mapping[str, Any] | None = None
    """Whether its schedule has it `open`, and `until` when; None without one, or without an engine that follows it."""

    @property
    def condition(self) -> str:
        """The state and, if that is known, why or until when."""
        return f"{self.state}{self.because}{self.reason}" if self.reason else self.state

    @property
    def because(self) -> str:
        """What stands between the state and its reason."""
        return " " if self.state in ("running", "outside its schedule") else ": "

    @property
    def marks(self) -> str:
        """What stands out in lists."""
        return (" [FLAGGED]" if self.flagged else "") + (" [SIMULATED]" if self.simulated else "")


def connections_of(configured: Configured, reader: StoreReader | None) -> tuple[bool, list[Seen]]:
    """Whether an engine answers, and every Connection: its own word, or what configuration and store say."""
    held = reader.held() if reader is not None else set()
    try:
        found = [_live(each) for each in engine_connections(configured)]
    except NotAnswering:
        backlogs = reader.backlogs() if reader is not None else []
        return False, [replace(each, held=each.name in held) for each in _still(configured, backlogs)]
    return True, [replace(each, held=each.name in held) for each in found]


def engine_connections(configured: Configured) -> list[dict[str, Any]]:
    """The Connections as the engine tells of them. Raises NotAnswering."""
    control = Control(configured.stores.control_path(configured.location))
    content = control.get("/connections")
    found: list[dict[str, Any]] = content["connections"]
    return found


def refuse_stranger(configured: Configured, name: str) -> None:
    """Raise WrongCall unless a Connection is named `name`; where neither engine nor configuration says, none is."""
    _refuse_unnamed(name, list(_directions(configured)))


def refuse_no_inbound(configured: Configured, name: str) -> None:
    """Raise WrongCall unless an inbound is named `name`; where neither engine nor configuration says, none is."""
    known = _directions(configured)
    if known.get(name) == "outbound":
        mend = f"its dead letters: messagefoundry dead-letters list --connection {shlex.quote(name)}"
        raise WrongCall(f"{name} is an outbound: messages are selected by inbound; {mend}")
    _refuse_unnamed(name, [each for each, direction in known.items() if direction == "inbound"])


def _refuse_unnamed(name: str, known: Sequence[str]) -> None:
    if known and name not in known:
        mend = did_you_mean(name, known)
        raise WrongCall(f"no Connection is named {name!r}{f': {mend}' if mend else ''}")


def _directions(configured: Configured) -> dict[str, str]:
    """The direction of each Connection, as the engine says or else the configuration."""
    try:
        return {str(each["name"]): str(each["direction"]) for each in engine_connections(configured)}
    except NotAnswering:
        return _declared(configured)


def _declared(configured: Configured) -> dict[str, str]:
    """The Connections of the configuration, of the one in the usual place when none is given; none if it is broken."""
    directory = configured.call.config or USUAL_DIRECTORY
    try:
        graph = Configured(replace(configured.call, config=directory)).graph_for_reading()
    except ConfigurationError:
        return {}
    return {**dict.fromkeys(graph.outbounds, "outbound"), **dict.fromkeys(graph.inbounds, "inbound")}


def graph_without_engine(configured: Configured) -> Graph:
    """The graph of the configuration, read because no engine answers. Raises WrongCall when it cannot be without --env.

    A running engine knows its environment itself.
    """
    if configured.settings.ai.environment is None:
        why = f"no engine runs on the store {configured.location.path}, and no environment is chosen to read its "
        mend = 'give --env dev, or set environment = "dev" under [ai] in messagefoundry.toml'
        raise WrongCall(f"{why}configuration with ({mend})")
    return configured.graph_for_reading()


def _live(told: dict[str, Any]) -> Seen:
    return Seen(
        name=told["name"],
        direction=told["direction"],
        connector=told["connector"],
        endpoint=told["endpoint"],
        state=told["state"],
        reason=told.get("reason") or "",
        since=moment(told.get("since")),
        doing=told.get("doing") or "",
        next_try=moment(told.get("next_try")),
        simulated=bool(told.get("simulated")),
        flagged=bool(told.get("flagged")),
        metadata=told.get("metadata") or {},
        schedule=told.get("schedule"),
        waiting=int(told.get("waiting") or 0),
        oldest=int(told.get("oldest_id") or 0),
    )


def _still(configured: Configured, backlogs: Sequence[Backlog]) -> list[Seen]:
    """The Connections of the configuration, none of which runs."""
    graph = graph_without_engine(configured)
    found = [_resting(each, "inbound") for each in graph.inbounds.values()]
    found += [replace(_resting(each, "outbound"), simulated=each.simulate) for each in graph.outbounds.values()]
    return [_with_backlog(each, backlogs) for each in found]


def _resting(each: Inbound | Outbound, direction: str) -> Seen:
    state = NOT_RUNNING if each.deployed else "not deployed"
    return Seen(
        each.name,
        direction,
        each.connector.name,
        each.endpoint(),
        state,
        flagged=each.flagged,
        metadata=dict(each.metadata),
    )


def _with_backlog(seen: Seen, backlogs: Sequence[Backlog]) -> Seen:
    stages = ("outbound",) if seen.direction == "outbound" else ("ingress", "routed")
    own = [each for each in backlogs if each.connection == seen.name and each.stage in stages]
    oldest = min((each.oldest_id for each in own), default=0)
    return replace(seen, waiting=sum(each.depth for each in own), oldest=oldest)
