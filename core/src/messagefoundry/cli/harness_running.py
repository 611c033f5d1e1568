"""A running engine as the scenarios use it: where it receives, and which partner can be played."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.control import Control, NotAnswering
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.live import engine_connections
from messagefoundry.cli.mllp_client import Target, target_of
from messagefoundry.cli.output import plural
from messagefoundry.contracts.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.cli.configured import Configured

Row = dict[str, Any]

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
HERE = ("127.0.0.1", "::1", "localhost")

_ENDPOINT = re.compile(r"\[?(?P<host>[^\]]*?)\]?:(?P<port>\d+)")


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """Its control socket, where each inbound that can be sent to listens, and the port of the partner to play."""

    control: Control
    targets: Mapping[str, Target]
    partners: Mapping[str, int]


def found_running(configured: Configured, address: str | None, partner: str) -> RunningEngine:
    """Ask the engine of a store. Raises WrongCall when none answers, or it has nothing that can be used."""
    try:
        rows = engine_connections(configured)
    except NotAnswering as error:
        mend = "start it with messagefoundry serve, or leave out --running"
        raise WrongCall(f"no engine runs on the store {configured.location.path}: {mend}") from error
    given = None if address is None else Target(*target_of(address))
    targets = _targets(rows, given)
    if not targets:
        raise WrongCall("no inbound of the running engine takes MLLP without TLS: the scenarios have nowhere to go")
    control = Control(configured.stores.control_path(configured.location))
    return RunningEngine(control, targets, {partner: _partner_port(rows, partner)} if partner else {})


def _targets(rows: Sequence[Row], given: Target | None) -> dict[str, Target]:
    """Where each running inbound is reached: at the address given, or where it says that it listens."""
    inbounds = [each for each in rows if each["direction"] == "inbound" and each["state"] == "running"]
    if given is not None:
        return {each["name"]: given for each in inbounds}
    found = {each["name"]: _place(each["endpoint"]) for each in inbounds if each["connector"] == "MLLP"}
    return {name: Target(*place) for name, place in found.items() if place is not None}


def _place(endpoint: str) -> tuple[str, int] | None:
    """Host and port to connect to; None with TLS, of which the harness has no certificates."""
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None:
        return None
    return ANYWHERE.get(match["host"], match["host"]), int(match["port"])


def _partner_port(rows: Sequence[Row], name: str) -> int:
    """The port at which the harness can play the partner of an outbound. Raises WrongCall when it cannot."""
    outbounds = {each["name"]: each for each in rows if each["direction"] == "outbound"}
    if name not in outbounds:
        mend = did_you_mean(name, outbounds) or f"there are {', '.join(outbounds) or 'none'}"
        raise WrongCall(f"--partner {name}: the running engine has no such outbound: {mend}")
    row = outbounds[name]
    place = _place(row["endpoint"]) if row["connector"] == "MLLP" else None
    if place is None or place[0] not in HERE:
        where = f"{row['connector']} to {row['endpoint']}"
        raise WrongCall(f"--partner {name} is {where}: the harness plays partners by MLLP without TLS on this machine")
    if row["waiting"]:
        backlog = plural(row["waiting"], "message")
        raise WrongCall(f"--partner {name}: there is a backlog of {backlog}, which the harness would take")
    return place[1]
