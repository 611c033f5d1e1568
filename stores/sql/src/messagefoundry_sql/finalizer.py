"""The finalizer: the one author of dispositions.

It runs inside the transaction that changed the rows, over the messages that were touched:

    refused                          ERROR
    not routed (or to be run again)  RECEIVED
    any work waiting                 ROUTED
    any work dead                    ERROR
    otherwise                        what the hand-off said: UNROUTED, FILTERED or PROCESSED
"""

from __future__ import annotations

_SOME_WORK = "EXISTS (SELECT 1 FROM work WHERE work.message_id = message.id AND work.state = '{state}')"

DISPOSITION = f"""CASE
    WHEN refusal IS NOT NULL THEN 'ERROR'
    WHEN routing IS NULL THEN 'RECEIVED'
    WHEN {_SOME_WORK.format(state="waiting")} THEN 'ROUTED'
    WHEN {_SOME_WORK.format(state="dead")} THEN 'ERROR'
    ELSE routing END"""
