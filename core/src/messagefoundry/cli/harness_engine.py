"""The throwaway engine of the scenarios: the user's configuration, with the harness in place of every partner.

    python -m messagefoundry.cli.harness_engine '{"call": {...}, "inbounds": {...}, "outbounds": {...}, "store": "..."}'

It is `serve` but for three things: its store is a file of its own, no HTTP pages are served on the network, and each
Connection is changed by `standing_in`. It ends with SIGTERM, and when its standard input does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.banner import banner
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import FAILURES, outcome_of
from messagefoundry.cli.serve import plan_of, served
from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.specs import load
from messagefoundry.contracts.stores import StoreFactory, StoreLocation
from messagefoundry.plugins import installed, offer
from messagefoundry.wiring.values import AckMode, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry.contracts.specs import ConnectorSpec
    from messagefoundry.wiring.graph import Graph, Inbound, Outbound

HERE = "127.0.0.1"
SOON_SECONDS = 0.2
"""What stands in for the back-off of a lane."""

KEPT_OPTIONS = ("encoding", "capture_response", "reingress_to", "encoding_characters", "hl7_raw_separators")
"""Options of an outbound that say what becomes of a message, not how its partner is reached."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """The port at which each inbound that is sent to listens, and that of the partner of each outbound."""

    inbounds: Mapping[str, int]
    outbounds: Mapping[str, int]


def embedded_store(path: Path) -> tuple[StoreFactory, StoreLocation]:
    """A store in a file. Raises ConfigurationError when its plugin is not installed."""
    here = installed()
    if "sqlite" not in here.stores:
        problem = offer("store", "sqlite", here.broken)
        raise ConfigurationError([problem or Problem("the store sqlite is not installed")])
    factory: StoreFactory = load(here.stores["sqlite"].spec.store)
    return factory, StoreLocation("sqlite", str(path), "normal")


def mllp() -> ConnectorSpec:
    """The connector that stands in for all others. Raises ConfigurationError when its plugin is not installed."""
    here = installed()
    if "MLLP" not in here.connectors:
        problem = offer("connector", "MLLP", here.broken)
        raise ConfigurationError([problem or Problem("the connector MLLP is not installed")])
    return here.connectors["MLLP"].spec


def standing_in(graph: Graph, ports: StandIns) -> Graph:
    """The same graph, with MLLP on this machine in place of every Connection's own transport.

    Routers, Handlers, orders and retries stay as they are; lanes only wait less between two attempts, what a partner's
    answers mean is what they mean by default, every message goes alone, and no schedule keeps anything from running.
    Inbounds that have no port do not run, unless the engine itself feeds them.
    """
    inbounds = {name: _inbound(each, ports.inbounds.get(name)) for name, each in graph.inbounds.items()}
    outbounds = {name: _outbound(each, ports.outbounds.get(name)) for name, each in graph.outbounds.items()}
    return replace(graph, inbounds=inbounds, outbounds=outbounds)


def _inbound(inbound: Inbound, port: int | None) -> Inbound:
    if inbound.settings.fed_by != "outside":
        return inbound
    if port is None:
        return replace(inbound, deployed=False)
    spec = mllp()
    settings = load(spec.settings)(port=port, encoding=inbound.settings.text_encoding())
    mode = AckMode.ORIGINAL if inbound.ack_mode is AckMode.NONE else inbound.ack_mode
    placed = replace(inbound, connector=spec, settings=settings, bind_host=HERE, source_ip_allowlist=())
    return replace(placed, ack_mode=mode, schedule=None, auto_start=True)


def _outbound(outbound: Outbound, port: int | None) -> Outbound:
    if port is None:
        return replace(outbound, deployed=False)
    spec, own = mllp(), outbound.settings
    kept = {name: getattr(own, name) for name in KEPT_OPTIONS if name in own.model_fields_set}
    settings = load(spec.settings)(host=HERE, port=port, **kept)
    soon = RetryPolicy(outbound.retry.max_attempts, SOON_SECONDS, 1, SOON_SECONDS)
    placed = replace(outbound, connector=spec, settings=settings, retry=soon, batch=None)
    return replace(placed, simulate=False, schedule=None, auto_start=True)


def main(order: Mapping[str, Any]) -> int:
    """Run until told to stop; the exit code."""
    told = order["call"]
    paths = {name: Path(told[name]) for name in ("config", "service_config") if told.get(name)}
    configured = Configured(Call(**{**told, **paths}, allow_insecure_bind=True))
    ports = StandIns(order["inbounds"], order["outbounds"])
    factory, location = embedded_store(Path(order["store"]))
    plan = plan_of(configured)

    def stood_in() -> Graph:
        return standing_in(configured.graph(), ports)

    plan = replace(
        plan,
        graph=standing_in(plan.graph, ports),
        load=stood_in,
        factory=factory,
        location=location,
        api_port=None,
    )
    threading.Thread(target=end_with_parent, daemon=True).start()
    return served(plan, banner(configured, plan))


def end_with_parent() -> None:
    """Stop when whoever started this has gone."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        code = main(json.loads(sys.argv[1]))
    except FAILURES as error:
        code = outcome_of(error)
    sys.exit(code)
