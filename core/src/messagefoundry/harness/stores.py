"""Where a subject stores: a file of its workplace, or a schema of a server database that a caller brings."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The store of one run. Its processes work for the subject: their time is neither the subject's nor noise."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """environment variables that name it to the engine"""
    server: int | None = None
    """process of the database server, which starts all others of the server"""
    network: int | None = None
    """process that stands for a network between engine and server"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A server database, near and far, on which every run gets an empty store of its own."""

    name: str
    """what the tables call it"""
    says: str
    """its version and the settings that decide about durability"""
    store: Callable[[float], AbstractContextManager[Store]]
    """makes a store for one run and removes it; the argument: milliseconds added to each round trip, 0 for none"""


@dataclass(frozen=True, slots=True)
class Backend:
    """What brings a server database for a session."""

    name: str
    """as `[store] backend` names it"""
    opened: Callable[[Path | None], AbstractContextManager[Database]]
    """the argument: the directory whose disk is to be measured; None: the usual one"""
