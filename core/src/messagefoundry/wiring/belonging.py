"""Where an option belongs that stands where it cannot be: beside the connector, in it, or in the other direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.declare import KEYWORDS

if TYPE_CHECKING:
    from messagefoundry.contracts.settings import ConnectorSettings, Direction


def other(kind: Direction) -> Direction:
    """The other direction."""
    return "outbound" if kind == "inbound" else "inbound"


def for_keyword(
    option: str, kind: Direction, connector: str, model: type[ConnectorSettings] | None, *, in_file: bool
) -> str:
    """The mend for a keyword that inbound() or outbound() has not; `connector` stands beside it, "" if unknown."""
    if model is not None and option in model.options_for(kind):
        return f"write it under [{kind}.settings]" if in_file else f"it is an option of {connector}(...)"
    if option in KEYWORDS[other(kind)]:
        return _of(other(kind), in_file=in_file)
    if model is not None and option in model.options_for(other(kind)):
        there = f"it is an option of {connector}(...), in {other(kind)}(...)"
        return f"it is a key of [{other(kind)}.settings]" if in_file else there
    return did_you_mean(option, KEYWORDS[kind])


def for_setting(option: str, kind: Direction, connector: str, *, in_file: bool) -> str:
    """The mend for an option that no connector has by this name; "" when it belongs nowhere else either."""
    if option in KEYWORDS[kind]:
        beside = f"it stands beside {connector}(...), in {kind}(...)"
        return f"write it above [{kind}.settings]" if in_file else beside
    return _of(other(kind), in_file=in_file) if option in KEYWORDS[other(kind)] else ""


def _of(kind: Direction, *, in_file: bool) -> str:
    return f"it is a key of [[{kind}]]" if in_file else f"it is an option of {kind}()"
