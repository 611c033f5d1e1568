"""The store as commands read it: directly, whether or not an engine runs."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from messagefoundry.contracts.ciphers import Plaintext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.cli.configured import Configured
    from messagefoundry.contracts.stores import StoreReader


@contextmanager
def reading(configured: Configured) -> Iterator[StoreReader]:
    """The store, open for reading. Raises ConfigurationError when there is none."""
    with closing(configured.stores.reader(configured.location, Plaintext())) as reader:
        yield reader
