"""The heart of an engine in a process of its own: it holds a store, commits, and sends while its lease allows it.

Says what it does, a line each: "sent <time>", "inside" (in a transaction that awaits its COMMIT), "held <time>" (the
lease forbids a send), "lost <error>". Ends when it is told that another engine has the store.
"""

from __future__ import annotations

import json
import sys

from messagefoundry.contracts.ciphers import Plaintext
from messagefoundry.contracts.errors import Fenced, StoreUnavailable
from messagefoundry.contracts.stores import StoreLocation, boottime
from messagefoundry.contracts.units import Receive
from messagefoundry_postgres import factory
from messagefoundry_postgres.factory import POSTGRES
from messagefoundry_postgres.writing import PostgresDatabase

BATCHES_BEFORE_THE_PAUSE = 20


class Dawdling(PostgresDatabase):
    """Stands still in the middle of a transaction, once."""

    batches = 0

    def commit(self) -> None:
        type(self).batches += 1
        if self.batches == BATCHES_BEFORE_THE_PAUSE:
            self.exchange()
            say("inside")
            sys.stdin.readline()
        super().commit()


def say(*words: object) -> None:
    print(*words, flush=True)


def main(location: StoreLocation, inside: str) -> None:
    if inside == "inside":
        vars(factory)["PostgresDatabase"] = Dawdling
    hold = POSTGRES.hold(location)
    store = POSTGRES.open(location, Plaintext())
    last = store.last_id()
    while True:
        last += 1
        try:
            store.commit([Receive("STALE", b"raw", "hl7v2", "utf-8", "C1", "ADT^A01", "", 1, id=last)])
        except Fenced as error:
            say("lost", type(error).__name__)
            return
        except StoreUnavailable as error:
            say("lost", type(error).__name__)
        now = boottime()
        say("sent" if now < hold.deadline() else "held", now)


if __name__ == "__main__":
    main(StoreLocation(**json.loads(sys.argv[1])), sys.argv[2])
