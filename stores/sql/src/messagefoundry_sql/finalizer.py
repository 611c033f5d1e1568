"""The finalizer: the one author of dispositions.

It runs inside the transaction that changed the rows, over the messages that were touched:

    refused                          ERROR
    not routed (or to be run again)  RECEIVED
    any work waiting                 ROUTED
    any work dead                    ERROR
    a batch, split into messages     PROCESSED
    otherwise                        what the hand-off said: UNROUTED, FILTERED or PROCESSED
"""

from __future__ import annotations

# One aggregate without a condition on the state. As long as it has no statistics, PostgreSQL may answer an EXISTS for
# each state with a hash over the waiting work of all messages, or by going through all dead letters.
DISPOSITION = """CASE
    WHEN refusal IS NOT NULL THEN 'ERROR'
    WHEN routing IS NULL THEN 'RECEIVED'
    ELSE CASE (SELECT min(CASE work.state WHEN 'waiting' THEN 1 WHEN 'dead' THEN 2 END)
            FROM work WHERE work.message_id = message.id)
        WHEN 1 THEN 'ROUTED' WHEN 2 THEN 'ERROR'
        ELSE CASE routing WHEN 'SPLIT' THEN 'PROCESSED' ELSE routing END END END"""
