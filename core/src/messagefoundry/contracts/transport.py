"""What `MLLP(port=2575)` gives in a configuration: the name of a connector, its options, and where that was written.

Options are kept as written, `env()` references included, and checked all together when the graph is resolved: a
mistake in one Connection does not hide the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from messagefoundry.contracts.authored import authored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
S = TypeVar("S", covariant=True)


@dataclass(frozen=True, slots=True)
class Transport:
    """One use of a connector in a configuration, unresolved."""

    connector: str
    options: Mapping[str, Any]
    file: str = ""
    line: int = 0


def transport(name: str, settings: Callable[P, S]) -> Callable[P, Transport]:
    """Make the authoring factory of a connector: it takes the keywords of `settings` and gives a Transport."""
    return authored(name, settings, Transport)
