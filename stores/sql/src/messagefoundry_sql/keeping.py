"""What Routers and Handlers keep and look up: labels of messages, transform state, snapshots of reference sets."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import KeepReference, StateWrite
    from messagefoundry_sql.batch import Batch

_CONFIRM = "UPDATE reference_set SET synced_at = ? WHERE name = ?"
_FORGET_REFERENCE = "DELETE FROM reference_set WHERE name = ?"
_KEEP_REFERENCE = "INSERT INTO reference_set (name, snapshot_id, sealed, synced_at) VALUES (?, ?, ?, ?)"


def state_digest(namespace: str, key: str) -> bytes:
    """What a value of transform state is found by: its key may be a patient's number, and is not stored in the open."""
    return blake2b(json.dumps([namespace, key]).encode(), digest_size=32).digest()


def keep_states(batch: Batch, writes: Sequence[StateWrite], at: int) -> None:
    """Values of transform state, each in place of the one before."""
    for write in writes:
        sealed = batch.cipher.seal(json.dumps([write.key, write.value]).encode(), "state", write.id)
        batch.states[state_digest(write.namespace, write.key)] = (write.id, write.namespace, sealed, at)


def open_state(cipher: Cipher, sealed: bytes, identity: int) -> str:
    """The value in a sealed row of state, as JSON text. Raises UnreadableValue."""
    _, value = json.loads(cipher.open(sealed, "state", identity))
    return str(value)


def keep_meta(batch: Batch, message_id: int, meta: Mapping[str, str]) -> None:
    """Labels of a message, each in place of the one before."""
    for name, value in meta.items():
        batch.meta[message_id, name] = value


def keep_reference(batch: Batch, unit: KeepReference) -> None:
    """A snapshot in place of the one before, or the time alone when it has not changed."""
    if unit.content is None:
        batch.run(_CONFIRM, unit.at, unit.name)
        return
    batch.run(_FORGET_REFERENCE, unit.name)
    batch.run(_KEEP_REFERENCE, unit.name, unit.id, batch.cipher.seal(unit.content, "reference", unit.id), unit.at)
