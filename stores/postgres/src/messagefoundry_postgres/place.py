"""Which database: the options of `[store]`, checked and turned into what libpq wants."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_postgres.requirements import driver_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.contracts.stores import StoreLocation

DURABLE = {"full", "normal"}
SHORTEST_LEASE = 3
"""Seconds. A shorter lease would be lost to a pause that no one notices."""

_KINDS: Mapping[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}


@dataclass(frozen=True, slots=True)
class Tls:
    """What libpq is told of TLS: `sslmode`, and the file of certificate authorities where one is used."""

    mode: str
    authorities: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A schema in a database on a server. Times in seconds.

    `server` is a host name, several with commas between them (the one that takes writes is used), or the folder of a
    Unix socket. `lease_ttl_seconds` is how long an engine that does not answer keeps others out.
    """

    server: str = ""
    database: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    port: int = 5432
    db_schema: str = "public"
    application_name: str = "messagefoundry"
    encrypt: bool = True
    trust_server_certificate: bool = False
    tls_ca_file: str = ""
    pool_size: int = 5
    connect_timeout: float = 15
    command_timeout: float = 30
    lease_ttl_seconds: float = 30
    synchronous: str = "full"

    def __str__(self) -> str:
        return f"{self.server}:{self.port}/{self.database}, schema {self.db_schema}"

    @property
    def local(self) -> bool:
        """Whether the server is reached through a Unix socket."""
        return self.server.startswith("/")

    @property
    def heartbeat_seconds(self) -> float:
        """From one renewal of the lease to the next."""
        return self.lease_ttl_seconds / 3

    @property
    def fence_seconds(self) -> float:
        """How long after its last renewal an engine may begin to send. Well before the lease ends."""
        return self.lease_ttl_seconds * 2 / 3

    @property
    def patience_seconds(self) -> float:
        """How long the server lets a session of ours sit in a transaction, or not take in what it sends.

        Shorter than `fence_seconds`: an engine that stands still holds up no take-over.
        """
        return self.lease_ttl_seconds / 3

    def tls(self) -> Tls:
        """How the server is to be trusted."""
        if self.local or not self.encrypt:
            return Tls("disable")
        if self.trust_server_certificate:
            return Tls("require")
        return Tls("verify-full", self.tls_ca_file or _authorities())


def place_of(location: StoreLocation) -> Place:
    """The place that a location names. Raises ConfigurationError with every problem."""
    known = {each.name: str(each.type) for each in fields(Place)}
    problems = [
        Problem(f"PostgreSQL has no option {name!r}", "remove it from [store]")
        for name in location.options
        if name not in known
    ]
    options = {name: value for name, value in location.options.items() if name in known and value is not None}
    problems += _mistyped(options, known)
    if not problems:
        place = Place(**{**options, "synchronous": location.synchronous})
        problems += _problems(place)
    if (missing := driver_missing()) is not None:
        problems.append(Problem(missing, "pip install 'messagefoundry[postgres]'"))
    if problems:
        raise ConfigurationError(problems)
    return place


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _mistyped(options: Mapping[str, Any], known: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in options.items():
        kinds = _KINDS[known[name]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield Problem(f"[store] {name} is not of the kind {known[name]}", "write another value")


def _problems(place: Place) -> Iterator[Problem]:
    for name in ("server", "database", "username", "db_schema"):
        if not getattr(place, name):
            yield Problem(f"[store] {name} is not set", f"set it, or MEFOR_STORE_{name.upper()}")
    for name in ("connect_timeout", "command_timeout", "pool_size"):
        if getattr(place, name) < 1:
            yield Problem(f"[store] {name} is less than 1", "write a larger number")
    if place.lease_ttl_seconds < SHORTEST_LEASE:
        yield Problem(f"[store] lease_ttl_seconds is less than {SHORTEST_LEASE}", "write a larger number")
    if place.synchronous not in DURABLE:
        yield Problem(f"[store] synchronous is {place.synchronous!r}", "use 'full' or 'normal'")


def _authorities() -> str:
    """The system's certificate authorities: libpq of a wheel looks for them where its builder's system had them."""
    return ssl.get_default_verify_paths().cafile or "system"
