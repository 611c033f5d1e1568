"""What answers to senders are made of: control ids, the time, and how a failed commit is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import UnstorableUnit
from messagefoundry.message import RefusalKind
from messagefoundry.pipeline.batches import now

if TYPE_CHECKING:
    from messagefoundry.contracts.errors import MessageFoundryError


def failure_kind(error: MessageFoundryError) -> RefusalKind:
    """How a failed commit is answered: the sender may try again, unless the message itself cannot be stored."""
    return RefusalKind.INTERNAL if isinstance(error, UnstorableUnit) else RefusalKind.STORE_UNAVAILABLE


def control_id(message_id: int | None) -> bytes:
    """An MSH-10 of our own, at most 20 characters: made from the message's id, or from the time."""
    return b"MF%d" % (message_id if message_id is not None else now())


_second = (0, b"")


def hl7_now() -> bytes:
    """The present second as an HL7 DTM with its offset, such as 20261122031502+0000."""
    global _second
    second = int(time.time())
    if _second[0] != second:
        local = time.localtime(second)
        _second = (second, time.strftime("%Y%m%d%H%M%S%z", local).encode())
    return _second[1]
