"""A sending system: the harness's load in a thread, whose journal can be looked at while it sends."""

from __future__ import annotations

import secrets
import threading

from messagefoundry.harness.generator import Generator, Load
from messagefoundry.harness.journal import ACCEPTED, Journal

LONG_SECONDS = 60.0


class Sending:
    """Sends until it is done or the engine has closed every connection; no message is ever sent twice."""

    def __init__(
        self, port: int, *, connections: int = 8, window: int = 1, count: int | None = None, rate: float | None = None
    ) -> None:
        seconds = LONG_SECONDS if count is None else None
        self._generator = Generator(
            Load(
                prefix=f"S{secrets.token_hex(4)}",
                ports=(port,),
                connections=connections,
                window=window,
                count=count,
                seconds=seconds,
                rate=rate,
                ack_timeout=10,
            )
        )
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._generator.run()
        except OSError as error:
            self._failure = error

    @property
    def accepted(self) -> int:
        """Messages acknowledged so far. Raises AssertionError when the engine was not there."""
        assert self._failure is None, f"the load could not connect: {self._failure}"
        codes = self._generator.journal.codes()
        return sum(codes[code] for code in ACCEPTED)

    def ended(self, *, within: float = LONG_SECONDS) -> Journal:
        """Wait for the end: what was sent, and what was answered."""
        self._thread.join(within)
        assert not self._thread.is_alive(), f"still sending after {within:g} s"
        assert self._failure is None, f"the load could not connect: {self._failure}"
        return self._generator.journal


def accepted_ids(*journals: Journal) -> set[str]:
    """The control ids for which the engine has taken responsibility."""
    return {entry.control_id for journal in journals for entry in journal if entry.accepted}


def sent_ids(*journals: Journal) -> set[str]:
    """The control ids of everything sent."""
    return {entry.control_id for journal in journals for entry in journal}


def adt(control_id: str) -> bytes:
    """A small message with this MSH-10."""
    return f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|T|2.5.1\rPID|1||12345\r".encode()
