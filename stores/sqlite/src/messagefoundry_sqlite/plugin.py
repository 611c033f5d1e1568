"""What this distribution adds to the engine."""

from __future__ import annotations

from messagefoundry.contracts.hookspecs import hookimpl
from messagefoundry.contracts.specs import Requirement, StoreSpec

contract = 1


@hookimpl
def register_stores() -> list[StoreSpec]:
    """The SQLite store."""
    return [StoreSpec("sqlite", "messagefoundry_sqlite.factory:SQLITE")]


@hookimpl
def register_requirements() -> list[Requirement]:
    """SQLite itself, which comes with Python."""
    check = "messagefoundry_sqlite.requirements:sqlite_missing"
    return [Requirement("SQLite", check, "use a Python built against SQLite 3.35 or newer")]
