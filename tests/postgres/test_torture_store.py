"""Rounds of the torture over PostgreSQL leave nothing behind, but for one that broke a promise."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry_postgres.factory import POSTGRES
from tests.acceptance import torture
from tests.postgres.target import NAMED, administrator, drop_schema
from tests.postgres.torture_store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres.target import Options

SEED = "7"


@pytest.fixture
def directory(options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where rounds over this database have their directories. Takes the schemas away that are kept."""
    keys = {"server": "host", "port": "port", "database": "dbname", "username": "user", "password": "password"}
    named = {word: str(options[option]) for option, word in keys.items()}
    monkeypatch.setenv(NAMED, make_conninfo("", **named, sslmode="require" if options.get("encrypt") else "disable"))
    yield tmp_path
    for round_directory in tmp_path.iterdir():
        drop_schema(options, round_directory.name)


def has_schema(options: Options, name: str) -> bool:
    with administrator(options) as connection:
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [name]).fetchone()
    return found == (1,)


def test_a_round_that_was_well_leaves_no_schema(
    options: Options, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def noting(going: torture.Round, where: Path, picture: torture.Picture) -> list[str]:
        seen.append(where.name)
        return torture.run(going, where, picture)

    asked = ["--store", "postgres", "--seed", SEED, "--minutes", "0", "--kills", "1", "--situation", "fan-out"]
    assert torture.main([*asked, "--directory", str(directory)], noting) == 0
    assert "1 rounds, nothing lost" in capsys.readouterr().out
    assert not list(directory.iterdir())
    assert not has_schema(options, seen[0])


def test_a_round_that_breaks_a_promise_keeps_its_schema(
    options: Options, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(going: torture.Round, where: Path, picture: torture.Picture) -> list[str]:
        store = going.stores.in_directory(where)
        assert isinstance(store, PostgresStore)
        assert not store.begun()
        with closing(POSTGRES.open(store.location, Plaintext())):
            assert store.begun()
        return ["acknowledged, and not in the store: A"]

    asked = ["--store", "postgres", "--seed", SEED, "--situation", "files", "--directory", str(directory)]
    assert torture.main(asked, broken) == 1
    said = capsys.readouterr().out
    (kept,) = directory.iterdir()
    assert has_schema(options, kept.name)
    assert f"the schema {kept.name} in the database of {NAMED}" in said
    assert f'make torture MINUTES=0 SEED={SEED} STORE=postgres ARGS="--situation files"' in said
