"""The reference sets of a running engine, for `messagefoundry status`: never a value of theirs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.control import Control, NotAnswering
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.output import plural, styled
from messagefoundry.cli.times import ago, clock, moment

if TYPE_CHECKING:
    from messagefoundry.cli.configured import Configured


def reference_sets(configured: Configured) -> list[dict[str, Any]]:
    """Every reference set as the engine tells of it; none when no engine answers, or one that knows of none."""
    found: list[dict[str, Any]] = []
    with suppress(NotAnswering, WrongCall):
        found = Control(configured.stores.control_path(configured.location)).get("/references")["references"]
    return found


def line_of(told: dict[str, Any]) -> str:
    """Everything about one set in one line."""
    name, synced_at, waiting = styled(told["name"], bold=True), moment(told["synced_at"]), told["waiting"]
    parts = [f"reference set {name}: never read from {told['source']}"]
    if synced_at:
        age = f"read {clock(synced_at)} ({ago(synced_at)}) from {told['source']}"
        parts = [f"reference set {name}: {plural(told['rows'], 'row')}, {age}"]
    if told["stale"]:
        parts.append(styled("older than it may be", fg="yellow"))
    if told["problem"]:
        parts.append(f"last: {styled(told['problem'], fg='red')}")
    if waiting:
        parts.append(f"not started before it is read: {', '.join(waiting)}")
    return "; ".join(parts)
