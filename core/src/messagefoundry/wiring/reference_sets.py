"""Reference sets as Routers and Handlers see them: tables from outside, frozen, looked up by code.

The engine reads each set from its source on a cadence and keeps the last good copy. A look-up reads memory alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.frozen_tables import FrozenTable
from messagefoundry.wiring.recording import caller, loading
from messagefoundry.wiring.running import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class UnknownReferenceError(LookupError):
    """There is no reference set of this name."""


class UnsyncedReferenceError(LookupError):
    """The reference set has never been read from its source: it has no rows that could be trusted."""


class ReferenceSet(FrozenTable):
    """A read-only table by code, from outside: a text or another scalar for each, or a Row for several columns."""

    __slots__ = ()
    says = "reference set"
    holds = "rows"


def no_such(name: object) -> str:
    """The sentence for a reference set that is not declared."""
    return f"there is no reference set {name!r}"


def mend_for(name: object, known: Iterable[str]) -> str:
    """What to do about it."""
    like = did_you_mean(name, known) if isinstance(name, str) else ""
    return like or f'declare it with Reference("{name}", source=...)'


def unknown(name: object, known: Iterable[str]) -> UnknownReferenceError:
    """What a look-up of a set raises that is not declared."""
    return UnknownReferenceError(f"{no_such(name)} ({mend_for(name, known)})")


def reference(name: str) -> Mapping[str, Any]:
    """The reference set `name`, as it was last read from its source; for Routers and Handlers.

    Raises UnknownReferenceError for a name that no set is declared by, and UnsyncedReferenceError for a set that was
    never read: the message ends in ERROR. At the top level of a module it keeps the configuration from loading.
    """
    record = loading()
    if record is None:
        return current("reference()").services.reference(name)
    text = f"reference({name!r}) is asked for while the configuration loads, when no set is read yet"
    record.problem(caller(), "", text, "call it inside of the Router or Handler")
    return ReferenceSet(str(name), {})
