"""Opening: what the server must be, what it allows, how it is trusted, and what versions of the schema come to."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trustme
from sqlalchemy import inspect

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError, StoreUnavailable, UnstorableUnit
from messagefoundry.contracts.stores import StoreLocation, StoreUpkeep
from messagefoundry.testing.stores.feed import Feed, hand_off, receive
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.fencing import make_schema
from messagefoundry_postgres.place import place_of
from messagefoundry_postgres.viewing import engine_of, schema_change
from messagefoundry_sql.opening import upgrade
from messagefoundry_sql.schema import metadata
from tests.postgres.engine import copy_into_file
from tests.postgres.target import administrator, drop_schema
from tests.postgres.tls_front import tls_front

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.postgres.server import Server


def opened(location: StoreLocation) -> None:
    POSTGRES.open(location, Plaintext()).close()


def with_options(location: StoreLocation, **options: object) -> StoreLocation:
    return replace(location, options={**location.options, **options})


def test_what_migrations_make_is_what_is_created(location: StoreLocation) -> None:
    opened(location)
    schema = str(location.options["db_schema"])
    migrated = with_options(location, db_schema=f"{schema}_m")
    with administrator(dict(location.options)) as own:
        make_schema(own, place_of(migrated))
        with schema_change(place_of(migrated)) as connection:
            upgrade(connection)
        with engine_of(place_of(location)).connect() as one, engine_of(place_of(migrated)).connect() as other:
            assert shape(one) == shape(other)
        own.execute(f"DROP SCHEMA {schema}_m CASCADE")


def shape(connection: Connection) -> dict[str, object]:
    """Columns, keys and indexes of every table of the one schema."""
    looked = inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"], column["default"]) for column in
             looked.get_columns(name)],
            looked.get_pk_constraint(name)["constrained_columns"],
            [{key: index.get(key) for key in ("name", "column_names", "dialect_options")} for index in
             looked.get_indexes(name)],
        )
        for name in sorted(metadata.tables)
    }  # fmt: skip


def test_many_may_open_a_new_store_at_once(location: StoreLocation) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            opened(location)
        except Exception as error:  # noqa: BLE001 - in a thread; asserted below
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_tables_of_another_program_are_left_alone(location: StoreLocation) -> None:
    schema = location.options["db_schema"]
    with administrator(dict(location.options)) as own:
        own.execute(f"CREATE SCHEMA {schema}")
        own.execute(f"CREATE TABLE {schema}.message (text text)")
    with pytest.raises(ConfigurationError, match="has tables of another program"):
        opened(location)


def test_a_schema_of_any_name(location: StoreLocation) -> None:
    name = 'Odd "name", with \\ and $user'
    try:
        feed = Feed(POSTGRES, with_options(location, db_schema=name))
        assert feed.disposition(feed.received()) == "RECEIVED"
        feed.close()
    finally:
        drop_schema(dict(location.options), name)


def test_a_role_that_may_not_is_told_what_to_grant(location: StoreLocation, server: Server) -> None:
    schema = str(location.options["db_schema"])
    modest = with_options(location, username="modest")
    with server.connect() as own:
        own.execute("CREATE ROLE modest LOGIN PASSWORD 'fitting'")
        try:
            with pytest.raises(ConfigurationError, match=f"GRANT USAGE, CREATE ON SCHEMA {schema} TO modest"):
                opened(modest)
            own.execute(f"CREATE SCHEMA {schema}")
            own.execute(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO modest")
            feed = Feed(POSTGRES, modest)
            feed.received()
            feed.close()
        finally:
            own.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            own.execute("DROP OWNED BY modest")
            own.execute("DROP ROLE modest")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"password": "wrong"}, "password authentication failed"), ({"database": "none"}, "does not exist")],
)
def test_who_cannot_log_in_is_told_why(
    location: StoreLocation, server: Server, wrong: dict[str, object], reason: str
) -> None:
    far = with_options(location, server="127.0.0.1", port=server.port, encrypt=False, **wrong)
    with pytest.raises(StoreUnavailable, match=reason):
        opened(far)


def test_the_server_is_verified(location: StoreLocation, server: Server, tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    authority.cert_pem.write_to_path(str(trusted))
    trustme.CA().cert_pem.write_to_path(str(other))
    with tls_front("127.0.0.1", server.port, authority, "localhost") as port:
        far = with_options(location, server="localhost", port=port)
        opened(with_options(far, tls_ca_file=str(trusted)))
        opened(with_options(far, trust_server_certificate=True))
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            opened(with_options(far, tls_ca_file=str(other)))
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            opened(far)
        with pytest.raises(StoreUnavailable, match="does not match host name"):
            opened(with_options(far, server="127.0.0.1", tls_ca_file=str(trusted)))


def test_a_server_without_tls_is_not_talked_to_in_the_clear(location: StoreLocation, server: Server) -> None:
    with pytest.raises(StoreUnavailable, match="server does not support SSL"):
        opened(with_options(location, server="127.0.0.1", port=server.port, trust_server_certificate=True))


def test_a_session_says_whose_it_is(location: StoreLocation) -> None:
    name = f"engine {location.options['db_schema']}"
    store = POSTGRES.open(with_options(location, application_name=name), Plaintext())
    with administrator(dict(location.options)) as own:
        rows = own.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name]).fetchall()
    assert rows == [(1,)]
    store.close()


@pytest.mark.parametrize(("synchronous", "set_to"), [("full", "on"), ("normal", "off")])
def test_durability_is_insisted_on(location: StoreLocation, synchronous: str, set_to: str) -> None:
    with administrator(dict(location.options)) as own:
        own.execute("SELECT pg_advisory_lock(2026)")  # the role is everybody's
        own.execute(f"ALTER ROLE {location.options['username']} SET synchronous_commit = off")
        try:
            store = POSTGRES.open(replace(location, synchronous=synchronous), Plaintext())
            store._cursor.execute("SELECT current_setting('synchronous_commit')")
            assert store._cursor.fetchall() == [(set_to,)]
            store.close()
        finally:
            own.execute(f"ALTER ROLE {location.options['username']} RESET synchronous_commit")


def test_a_character_that_the_database_has_not_is_the_units_own_fault(location: StoreLocation) -> None:
    feed = Feed(POSTGRES, location)
    for control_id in ("a\0b", "\ud800"):
        unit = receive()
        unit.control_id = control_id
        with pytest.raises((UnstorableUnit, UnicodeEncodeError)):
            feed.commit(unit)
    assert feed.flow().messages == []
    feed.received()
    feed.close()


def test_upkeep(location: StoreLocation, tmp_path: Path) -> None:
    assert isinstance(POSTGRES, StoreUpkeep)
    with pytest.raises(ConfigurationError, match="there is no store in"):
        POSTGRES.state(location)
    feed = Feed(POSTGRES, location)
    feed.commit(hand_off(feed.received(), "OB"))
    feed.close()
    state = POSTGRES.state(location)
    assert (state.tables["message"], state.tables["work"], state.pending) == (1, 1, ())
    assert state.size > 0
    POSTGRES.migrate(location, contract=True)
    with pytest.raises(ConfigurationError, match="pg_dump"):
        POSTGRES.backup(location, tmp_path / "backup", lambda done, total: None)
    copy_into_file(location, tmp_path / "copy.db")
    target = with_options(location, db_schema=f"{location.options['db_schema']}")
    with pytest.raises(ConfigurationError), closing(POSTGRES.tables(target, fill=True)):
        pass
