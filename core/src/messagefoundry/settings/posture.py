"""What the active environment demands: which settings it refuses, all at once, and which it warns of."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.settings.model import Settings

DERIVED = {"dev": ("synthetic", False), "staging": ("phi", False), "prod": ("phi", True)}


@dataclass(frozen=True, slots=True)
class Posture:
    """The active environment's name, whether it carries patient data, and whether it is production."""

    environment: str
    phi: bool
    production: bool

    def __str__(self) -> str:
        data = "patient data" if self.phi else "synthetic data"
        return f"{self.environment} ({data}{', production' if self.production else ''})"


@dataclass(frozen=True, slots=True)
class Findings:
    """What an engine with these settings refuses to start for, and what it starts with all the same."""

    refusals: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def posture_of(settings: Settings) -> Posture:
    """The posture, derived for dev, staging and prod where it is not set. Raises ConfigurationError."""
    ai = settings.ai
    if ai.environment is None:
        mend = 'start with --env dev, or set environment = "dev" under [ai] in messagefoundry.toml'
        raise ConfigurationError([Problem("no environment is chosen, and there is no default for it", mend)])
    data_class, production = DERIVED.get(ai.environment, (None, None))
    data_class = ai.data_class or data_class
    production = production if ai.production is None else ai.production
    problems = list(_unknown(settings, ai.environment))
    if data_class is None:
        problems.append(_unsaid(ai.environment, "data_class", '"synthetic" or "phi"', "DATA_CLASS"))
    if production is None:
        problems.append(_unsaid(ai.environment, "production", "true or false", "PRODUCTION"))
    if data_class is None or production is None:
        raise ConfigurationError(problems)
    return Posture(ai.environment, data_class == "phi", bool(production))


def _unknown(settings: Settings, environment: str) -> Iterator[Problem]:
    """A name that may be mistyped: it is none of the built-in ones, and no file of values is called so."""
    path = settings.values_path(environment)
    if environment in DERIVED or path.exists():
        return
    there = sorted({*DERIVED, *(file.stem for file in path.parent.glob("*.toml"))})
    like = next((each for each in there if environment.startswith(each)), None) or nearest(environment, there)
    text = f"there is no {path.parent.name}/{path.name}; there are {', '.join(there)}"
    yield Problem(text, f"did you mean {like!r}?" if like else "")


def _unsaid(environment: str, key: str, values: str, variable: str) -> Problem:
    text = f"the environment {environment!r} is none of dev, staging and prod, so this must be said"
    return Problem(text, f"set {key} = {values} under [ai], or MEFOR_AI_{variable}", name=f"[ai] {key}")


def check_posture(settings: Settings, posture: Posture) -> Findings:
    """Every refusal with its mend, and every warning."""
    return Findings(tuple(_refusals(settings, posture)), tuple(_warnings(settings, posture)))


def _refusals(settings: Settings, posture: Posture) -> Iterator[Problem]:
    if posture.production and settings.logging.level == "debug":
        yield Problem(
            f"production ({posture.environment}) does not run at debug: the log could carry patient data",
            'set level = "info", or --log-level info',
            name="[logging] level",
        )
    if posture.phi and not settings.store.encrypt and not is_near(settings.store.server or ""):
        yield Problem(
            "patient data would cross the network to the database in the clear",
            "set encrypt = true",
            name="[store] encrypt",
        )
    if not is_loopback(settings.api.host):
        yield Problem(
            f"{settings.api.host} can be reached from the network, and this release has no accounts to protect it",
            'set host = "127.0.0.1", and reach it through an SSH tunnel',
            name="[api] host",
        )


def _warnings(settings: Settings, posture: Posture) -> Iterator[Problem]:
    if posture.phi:
        yield Problem(
            "stored messages are not encrypted: this release cannot do so yet",
            "keep the store on an encrypted volume",
            name="[store]",
        )
        yield Problem(
            "nothing bounds where messages may be sent: this release has no allow-list yet",
            "bound it in the firewall",
            name="[egress]",
        )
    if settings.store.backend == "sqlite" and settings.store_options():
        text = f"an SQLite store is a file: {', '.join(settings.store_options())} has no effect"
        yield Problem(text, "name a server's database in backend, or remove it", name="[store]")
    if posture.phi and settings.store.trust_server_certificate and not is_near(settings.store.server or ""):
        yield Problem(
            "anybody between the engine and its database can pretend to be the database",
            "set trust_server_certificate = false, and tls_ca_file if its authority is your own",
            name="[store] trust_server_certificate",
        )
    if posture.phi and settings.store.synchronous != "full":
        yield Problem(
            "after a power cut, messages that were acknowledged may be missing",
            'set synchronous = "full"',
            name="[store] synchronous",
        )
    if posture.production and settings.shadow.simulate_all_egress:
        yield Problem("nothing is delivered to any partner", "unset it to go live", name="[shadow] simulate_all_egress")


def is_near(server: str) -> bool:
    """Whether a database is reached without a network: it is a file, a Unix socket or on loopback."""
    return all(not host or host.startswith("/") or is_loopback(host) for host in server.split(","))


def is_loopback(host: str) -> bool:
    """Whether a listener on `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
