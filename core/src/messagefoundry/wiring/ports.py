"""Listeners that would bind the same port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from messagefoundry.wiring.connections import Source
    from messagefoundry.wiring.deployment import Deployment
    from messagefoundry.wiring.recording import Recording

EVERY_INTERFACE = frozenset({"", "0.0.0.0", "::"})
LOOPBACK = {"localhost": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that something binds; `who` is a phrase."""

    host: str
    port: int
    who: str

    def clashes_with(self, other: Listener) -> bool:
        """Whether both cannot be bound: every interface clashes with any."""
        hosts = {LOOPBACK.get(self.host, self.host), LOOPBACK.get(other.host, other.host)}
        return self.port == other.port != 0 and (len(hosts) == 1 or bool(hosts & EVERY_INTERFACE))


def check_ports(sources: Iterable[Source], deployment: Deployment, record: Recording) -> None:
    """Put down every deployed inbound whose port is taken, by an earlier one or by the HTTP API."""
    taken: dict[int, list[Listener]] = {}
    if deployment.api_port is not None:
        api = Listener(deployment.api_host, deployment.api_port, "the HTTP API ([api] port)")
        taken[api.port] = [api]
    for source in sources:
        port = source.settings.listens_on()
        if port is None or not source.deployed:
            continue
        own = Listener(source.bind_host, port, f"{source.name} ({source.place})")
        other = next((each for each in taken.get(port, ()) if own.clashes_with(each)), None)
        if other is not None:
            text = f"port {port} on {own.host} is also bound by {other.who}"
            record.problem(source.place, source.name, text, "give one of them another port")
        taken.setdefault(port, []).append(own)
