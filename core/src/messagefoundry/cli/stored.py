"""The store as commands read it: directly, whether or not an engine runs."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.cli.configured import Configured
    from messagefoundry.contracts.stores import StoreReader

ELSEWHERE = "are you in the engine's folder? there is no messagefoundry.toml here"


@contextmanager
def reading(configured: Configured) -> Iterator[StoreReader]:
    """The store, open for reading. Raises ConfigurationError when there is none."""
    with closing(_opened(configured)) as reader:
        yield reader


def _opened(configured: Configured) -> StoreReader:
    try:
        return configured.stores.reader(configured.location, Plaintext())
    except ConfigurationError as error:
        if not _perhaps_elsewhere(configured):
            raise
        found = [replace(each, mend="; ".join(filter(None, (each.mend, ELSEWHERE)))) for each in error.problems]
        raise ConfigurationError(found) from error


def _perhaps_elsewhere(configured: Configured) -> bool:
    """Whether nothing says where the store is, and it is not in the working directory."""
    unsaid = configured.loaded.file is None and configured.call.db is None
    return unsaid and configured.settings.store.backend == "sqlite" and not configured.settings.store_path().exists()
