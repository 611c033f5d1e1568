"""What Routers and Handlers keep and look up: labels, transform state, snapshots of reference sets."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from messagefoundry.testing.memory.tables import StoredReference, StoredState

if TYPE_CHECKING:
    from messagefoundry.contracts.ciphers import Cipher
    from messagefoundry.contracts.units import HandOff, KeepReference
    from messagefoundry.testing.memory.tables import Tables


def state_digest(namespace: str, key: str) -> bytes:
    """What a value of transform state is found by: its key may be a patient's number, and does not lie open."""
    return blake2b(json.dumps([namespace, key]).encode()).digest()


def keep(tables: Tables, cipher: Cipher, unit: HandOff) -> None:
    """The labels and the state that a hand-off writes, each in place of the one before."""
    for name, value in unit.meta.items():
        tables.meta[unit.message_id, name] = value
    for write in unit.states:
        sealed = cipher.seal(json.dumps([write.key, write.value]).encode(), "state", write.id)
        tables.states[state_digest(write.namespace, write.key)] = StoredState(write.id, sealed)


def open_state(cipher: Cipher, row: StoredState) -> str:
    """The value in a row of state, as JSON text. Raises UnreadableValue."""
    _, value = json.loads(cipher.open(row.sealed, "state", row.id))
    return str(value)


def keep_reference(tables: Tables, cipher: Cipher, unit: KeepReference) -> None:
    """A snapshot in place of the one before, or the time alone when it has not changed."""
    before = tables.references.get(unit.name)
    if unit.content is not None:
        sealed = cipher.seal(unit.content, "reference", unit.id)
        tables.references[unit.name] = StoredReference(unit.id, sealed, unit.at)
    elif before is not None:
        tables.references[unit.name] = replace(before, synced_at=unit.at)
