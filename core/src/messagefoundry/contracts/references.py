"""Reference sets: tables from outside that the engine reads on a cadence, and where they come from.

A plugin registers a kind of source with `register_reference_sources`. `reference_source()` makes what configurations
write, as in `Reference("providers", source=FileRef(path="providers.csv"))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from messagefoundry.contracts.authored import authored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
S = TypeVar("S", covariant=True)


class ReferenceSource(Protocol):
    """Reads the whole of one reference set. A new one is made for every reading."""

    def read(self) -> Mapping[str, Any]:
        """All rows by code: text, a number, a truth value, a date, a time or None, or a mapping of these by column.

        Blocks; runs in a worker thread. Raises SourceUnreadable.
        """


@dataclass(frozen=True, slots=True)
class SourceUse:
    """One use of a kind of source in a configuration, unresolved: options are as written, `env()` included."""

    source: str
    options: Mapping[str, Any]
    file: str = ""
    line: int = 0


def reference_source(name: str, settings: Callable[P, S]) -> Callable[P, SourceUse]:
    """Make the authoring factory of a kind of source: it takes the keywords of `settings` and gives a SourceUse."""
    return authored(name, settings, SourceUse)
