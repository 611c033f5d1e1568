"""What `[store]` says becomes a place, or one sentence for everything that is wrong with it."""

from __future__ import annotations

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.stores import StoreLocation
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.place import Place, place_of

NAMED = {"server": "db01", "database": "mefor", "username": "engine"}


def place(**options: object) -> Place:
    return place_of(StoreLocation("postgres", options={**NAMED, **options}))


def problems(**options: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        place(**options)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_not_said_has_a_default() -> None:
    found = place()
    assert (found.port, found.db_schema, found.application_name) == (5432, "public", "messagefoundry")
    assert (found.tls().mode, found.synchronous) == ("verify-full", "full")
    assert found.tls().authorities


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, "verify-full"),
        ({"tls_ca_file": "/ca.pem"}, "verify-full"),
        ({"trust_server_certificate": True}, "require"),
        ({"encrypt": False}, "disable"),
        ({"server": "/run/postgresql"}, "disable"),
    ],
)
def test_what_libpq_is_told_of_tls(options: dict[str, object], mode: str) -> None:
    tls = place(**options).tls()
    assert tls.mode == mode
    assert tls.authorities == "/ca.pem" or "tls_ca_file" not in options


def test_timeouts_of_sessions_are_shorter_than_the_fence_and_that_than_the_lease() -> None:
    found = place(lease_ttl_seconds=30)
    assert found.heartbeat_seconds < found.fence_seconds < found.lease_ttl_seconds
    assert found.patience_seconds < found.fence_seconds


def test_every_problem_is_told_at_once() -> None:
    assert problems(server="", database="", username="") == [
        "[store] server is not set (set it, or MEFOR_STORE_SERVER)",
        "[store] database is not set (set it, or MEFOR_STORE_DATABASE)",
        "[store] username is not set (set it, or MEFOR_STORE_USERNAME)",
    ]
    assert problems(colour="red", port="x") == [
        "PostgreSQL has no option 'colour' (remove it from [store])",
        "[store] port is not of the kind int (write another value)",
    ]
    assert problems(pool_size=0, lease_ttl_seconds=1) == [
        "[store] pool_size is less than 1 (write a larger number)",
        "[store] lease_ttl_seconds is less than 3 (write a larger number)",
    ]


def test_the_password_is_never_shown() -> None:
    location = StoreLocation("postgres", options={**NAMED, "password": "hunter2"})
    assert "hunter2" not in f"{place_of(location)!r} {location!r} {POSTGRES.describe(location)}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "PostgreSQL db01:5432/mefor, schema public (TLS, synchronous=full: the log is flushed before every ACK)"),
        ({"trust_server_certificate": True}, "the server's certificate not verified"),
        ({"encrypt": False}, "NOT ENCRYPTED"),
        ({"server": "/run/postgresql"}, "local socket"),
    ],
)
def test_a_store_is_described(options: dict[str, object], words: str) -> None:
    assert words in POSTGRES.describe(StoreLocation("postgres", options={**NAMED, **options}))
