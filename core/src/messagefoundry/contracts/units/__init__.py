"""Units of work: the atomic changes that a store commits.

A store is handed batches of units and commits each batch as one transaction, every kind of unit with one statement.
The committer mints ids as it forms a batch (`mint`), so that id order is commit order. `row` names the row that a unit
changes, if any: two units of one row never share a batch. Every unit is guarded by the state that it expects to find;
a store that finds another raises `StaleUnit`.

Times are microseconds since the epoch. Ids are 64-bit, unique over all tables, and ascend in commit order.
"""

from messagefoundry.contracts.units.changing import DeadLetter, Replay, ReplayDead, Resend, SweepRemoved
from messagefoundry.contracts.units.connections import HoldConnection, MarkRunning, NoteConnection
from messagefoundry.contracts.units.handing_off import Failed, HandOff, Outgoing, StateWrite
from messagefoundry.contracts.units.keeping import KeepReference
from messagefoundry.contracts.units.receiving import (
    ForgetOnce,
    MarkAttempt,
    ReadBookmark,
    Receive,
    ReceiveBatch,
    ReceiveOnce,
    Refuse,
)
from messagefoundry.contracts.units.refilling import RefillFlow, RefillLane, WaitingItem, WaitingMessage
from messagefoundry.contracts.units.settling import NoteLateAnswer, SettleDead, SettleDelivered, SettleRetry
from messagefoundry.contracts.units.unit import Mint, Routing, Stage, Unit

__all__ = [
    "DeadLetter",
    "Failed",
    "ForgetOnce",
    "HandOff",
    "HoldConnection",
    "KeepReference",
    "MarkAttempt",
    "MarkRunning",
    "Mint",
    "NoteConnection",
    "NoteLateAnswer",
    "Outgoing",
    "ReadBookmark",
    "Receive",
    "ReceiveBatch",
    "ReceiveOnce",
    "RefillFlow",
    "RefillLane",
    "Refuse",
    "Replay",
    "ReplayDead",
    "Resend",
    "Routing",
    "SettleDead",
    "SettleDelivered",
    "SettleRetry",
    "Stage",
    "StateWrite",
    "SweepRemoved",
    "Unit",
    "WaitingItem",
    "WaitingMessage",
]
