"""Ports for subjects.

They are not the system's own choice: that is given again, to whatever on this machine asks next, between here and the
moment when a subject listens, and a connection that goes out from it would keep the subject from listening.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom

NEVER_GIVEN_OUT = range(15_000, 32_768)
"""Below what Linux, macOS and Windows give to connections that go out and to listeners that ask for any port."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at present. Raises OSError when there is none."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Different TCP ports that nobody listens on at present. Raises OSError when there are not so many."""
    found: list[int] = []
    # Not the seeded chance, which would give the same ports to the tests of every process.
    candidates = iter(SystemRandom().sample(NEVER_GIVEN_OUT, len(NEVER_GIVEN_OUT)))
    with ExitStack() as held:
        while len(found) < count:
            port = next(candidates, None)
            if port is None:
                raise OSError(f"only {len(found)} of {count} ports of {host} are free")
            with suppress(OSError):
                held.enter_context(socket.create_server((host, port)))
                found.append(port)
    return found
