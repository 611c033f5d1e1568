"""The seam through which bodies, payloads, replies and errors pass on their way to and from the store.

What is stored is an envelope: one byte naming the form, then its content. `identity` is the row's own ("body", id),
bound to the envelope as associated data, so that a sealed value cannot be moved to another row unnoticed.
"""

from __future__ import annotations

from typing import Protocol

from messagefoundry.contracts.errors import MessageFoundryError

PLAIN = b"\x00"


class UnreadableValue(MessageFoundryError):
    """A stored value was sealed by something that this engine does not have: install or configure its key."""


class Cipher(Protocol):
    """Seals and opens stored values."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        """The envelope to store for `plain` in the row (`kind`, `identity`)."""

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        """What was sealed. Raises UnreadableValue."""


class Plaintext:
    """No encryption: an envelope around the bytes as they are."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        """The bytes behind the mark of the plain form."""
        return PLAIN + plain

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        """The bytes without the mark."""
        if sealed[:1] != PLAIN:
            raise UnreadableValue(f"{kind} {identity} is encrypted, and no key for it is configured")
        return sealed[1:]
