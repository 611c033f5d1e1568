"""The benchmark's server is durable, its network slow, and every run has a store of its own that is gone after it."""

from __future__ import annotations

import json
import os
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from messagefoundry.harness import bench
from messagefoundry.harness.stores import Backend, Database, Store
from messagefoundry.harness.subject import SubjectError
from tests.postgres.bench import postgres, store

if TYPE_CHECKING:
    from tests.postgres.server import Server

ADDED_MS = 5
TRIPS = 20


def connected(store: Store) -> psycopg.Connection[tuple[object, ...]]:
    """A session as the engine would have it."""
    named = {
        name: store.variables[f"MEFOR_STORE_{name.upper()}"] for name in ("server", "port", "database", "password")
    }
    return psycopg.connect(
        host=named["server"],
        port=named["port"],
        dbname=named["database"],
        password=named["password"],
        user=store.variables["MEFOR_STORE_USERNAME"],
        autocommit=True,
    )


def test_a_far_store_is_so_far_away_at_each_round_trip(server: Server) -> None:
    with store(server, ADDED_MS) as far, connected(far) as connection:
        assert far.network is not None
        trips = []
        for _ in range(TRIPS):
            began = time.monotonic()
            connection.execute("SELECT 1")
            trips.append(1000 * (time.monotonic() - began))
    assert ADDED_MS <= min(trips) < 2 * ADDED_MS


def test_a_store_is_gone_after_its_run(server: Server) -> None:
    with store(server, 0) as first, connected(first) as connection:
        schema = first.variables["MEFOR_STORE_DB_SCHEMA"]
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.message (id int)")
    with store(server, 0) as second, connected(second) as connection:
        assert second.variables["MEFOR_STORE_DB_SCHEMA"] != schema
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [schema]).fetchone()
        assert found == (0,)


def test_the_server_of_a_session_keeps_what_it_has_committed() -> None:
    with postgres(None) as database:
        assert database.name == "PostgreSQL"
        assert "fsync=on, synchronous_commit=on" in database.says
        with database.store(0) as near, connected(near) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            folder = Path(near.variables["MEFOR_STORE_SERVER"])
            assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
def test_a_directory_that_the_server_cannot_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(SubjectError, match="nobody else can enter"):
        postgres(tmp_path / "closed").__enter__()


def test_both_stores_and_both_distances_are_measured(server: Server, tmp_path: Path) -> None:
    """Real engines and few messages: everything is accounted for, and the server's time is told apart."""
    database = Database(name="PostgreSQL", says="not durable", store=partial(store, server))
    result = tmp_path / "result.json"
    short = ["--pairs", "1", "--seconds", "0.2", "--warm-up", "0", "--connections", "2", "--json", str(result)]
    assert bench.main(short, Backend("postgres", lambda _: nullcontext(database))) == 0
    content = json.loads(result.read_text())
    who = [(run["scenario"], run["subject"], run["server_cpu_ms_per_message"] is not None) for run in content["runs"]]
    assert who == [
        ("stores", "PostgreSQL", True),
        ("stores", "SQLite", False),
        ("far", "5 ms added", True),
        ("far", "local socket", True),
    ]
    assert (content["faults"], content["store"], content["machine"]["server"]) == ([], "postgres", "not durable")
    stores, far = (comparison["figures"] for comparison in content["comparisons"])
    assert stores["server CPU ms a message"]["left"] > 0
    assert far["ACK p50 ms"]["left"] >= ADDED_MS
