"""What this distribution adds to the engine."""

from __future__ import annotations

from messagefoundry.contracts.hookspecs import hookimpl
from messagefoundry.contracts.specs import Requirement, StoreSpec

contract = 1


@hookimpl
def register_stores() -> list[StoreSpec]:
    """The PostgreSQL store."""
    return [StoreSpec("postgres", "messagefoundry_postgres.factory:POSTGRES")]


@hookimpl
def register_requirements() -> list[Requirement]:
    """The driver, and libpq under it."""
    check = "messagefoundry_postgres.requirements:driver_missing"
    return [Requirement("PostgreSQL driver", check, "pip install 'messagefoundry[postgres]'")]
