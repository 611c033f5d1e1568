"""How sessions with the server are opened. What is set for a session is set as it begins: no round trip more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry_postgres.failures import ConnectionLost
from messagefoundry_postgres.place import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry_postgres.place import Place

LOCK_SECONDS = 5.0
"""How long another session's lock is waited for."""

OLDEST_SERVER = 140000

WRITING: Mapping[str, str] = {
    # Every statement has its index. Plans made while the tables were small must not read them whole for ever after.
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
READING: Mapping[str, str] = {"default_transaction_read_only": "on", "jit": "off"}


def connect(place: Place, settings: Mapping[str, str], *, seconds: float | None = None) -> psycopg.Connection[Any]:
    """A session in autocommit on the server that takes writes. Raises ConnectionLost with libpq's reason."""
    patience = _milliseconds(place.patience_seconds)
    idle = max(1, int(place.patience_seconds) // 2)
    tls = place.tls()
    try:
        return psycopg.connect(
            host=place.server,
            port=place.port,
            dbname=place.database,
            user=place.username,
            password=place.password or None,
            application_name=place.application_name,
            connect_timeout=max(2, int(min(place.connect_timeout, seconds or place.connect_timeout))),
            target_session_attrs="primary" if settings is READING else "read-write",
            tcp_user_timeout=patience,
            keepalives_idle=idle,
            keepalives_interval=idle,
            keepalives_count=2,
            options=_options({**_timeouts(place), **settings}),
            client_encoding="utf8",
            autocommit=True,
            prepare_threshold=None,
            sslmode=tls.mode,
            sslrootcert=tls.authorities,
        )
    except psycopg.Error as error:
        raise ConnectionLost("; ".join(str(error).split("\n"))) from None


def check_server(connection: psycopg.Connection[Any], place: Place) -> None:
    """Raise ConfigurationError for a server or database that cannot hold a store."""
    version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
    if version < OLDEST_SERVER:
        problem = Problem(f"PostgreSQL {version // 10000} of {place} is too old", "use PostgreSQL 14 or newer")
        raise ConfigurationError([problem])
    if encoding != "UTF8":
        problem = Problem(f"the database of {place} has the encoding {encoding}", "create it with ENCODING 'UTF8'")
        raise ConfigurationError([problem])


def _timeouts(place: Place) -> dict[str, str]:
    patience = str(_milliseconds(place.patience_seconds))
    return {
        "search_path": quoted(place.db_schema),
        "statement_timeout": str(_milliseconds(place.command_timeout)),
        "lock_timeout": str(_milliseconds(min(LOCK_SECONDS, place.command_timeout))),
        "idle_in_transaction_session_timeout": patience,
        "tcp_user_timeout": patience,
        "TimeZone": "UTC",
    }


def _options(settings: Mapping[str, str]) -> str:
    """The settings as libpq's `options`, in which a space or backslash is marked by a backslash."""
    escaped = ((name, value.replace("\\", "\\\\").replace(" ", "\\ ")) for name, value in settings.items())
    return " ".join(f"-c {name}={value}" for name, value in escaped)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
