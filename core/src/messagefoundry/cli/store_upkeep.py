"""What `backup` and `store` need of a store's plugin, and how they show how far they are."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from messagefoundry.cli.output import on_terminal
from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.stores import StoreUpkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.cli.configured import Configured


def upkeep_of(configured: Configured) -> StoreUpkeep:
    """The store's factory, if it offers this. Raises ConfigurationError."""
    stores = configured.stores
    if isinstance(stores, StoreUpkeep):
        return stores
    problem = Problem(
        f"the plugin of the store {configured.location.backend!r} has no backup, status, migration or copy",
        "use the tools of its database",
    )
    raise ConfigurationError([problem])


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar while a person watches; gives what is told parts done and parts in all."""
    if quiet or not on_terminal():
        yield lambda _done, _total: None
        return
    from rich.progress import Progress

    with Progress(transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
