"""What PostgreSQL's errors mean to the engine."""

from __future__ import annotations

from messagefoundry.contracts.errors import (
    CorruptStore,
    Fenced,
    MessageFoundryError,
    StaleUnit,
    StoreFull,
    StoreUnavailable,
    UnstorableUnit,
)
from messagefoundry_postgres.dialect import STALE
from messagefoundry_postgres.fencing import FENCED


class ServerError(Exception):
    """The server refused a statement. Its message is left out: it may quote values."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(sqlstate)


class ConnectionLost(Exception):
    """The connection ended, could not be made, or gave no answer in time."""


DISK_FULL = "53100"
LOCKED = {"55P03", "40P01", "40001"}
TOO_LATE = "57014"
READ_ONLY = {"25006"}
DAMAGED = {"XX001", "XX002"}

_OWN = ("22", "23", "54")
"""Classes that a value alone can cause: trying the same again would fail for ever, and hold everything behind it up."""


def failure(error: Exception, name: str) -> MessageFoundryError:
    """The error to raise for one on the store called `name`."""
    if isinstance(error, ServerError):
        return _refusal(error.sqlstate, name)
    if isinstance(error, ConnectionLost):
        return StoreUnavailable(f"the store {name} cannot be reached: {error}")
    return StoreUnavailable(f"the store {name} does not commit ({type(error).__name__})")


def _refusal(state: str, name: str) -> MessageFoundryError:
    if state == STALE:
        return StaleUnit("rows are no longer in the state that was expected")
    if state == FENCED:
        return Fenced(f"another engine has taken over the store {name}")
    if state == DISK_FULL:
        return StoreFull(f"the disk of the server of the store {name} is full")
    if state in DAMAGED:
        return CorruptStore(f"the store {name} is damaged ({state}): stop the engine and restore a backup")
    if state in LOCKED:
        return StoreUnavailable(f"the store {name} is locked by another session ({state})")
    if state == TOO_LATE:
        return StoreUnavailable(f"the store {name} did not commit within command_timeout")
    if state in READ_ONLY:
        return StoreUnavailable(f"the server of the store {name} takes no writes: it is a standby, or read-only")
    if state[:2] in _OWN:
        return UnstorableUnit(f"the store {name} cannot hold a value ({state})")
    return StoreUnavailable(f"the store {name} does not commit ({state})")
