"""A fresh directory with free ports and the configuration of the feed to measure."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from .feeds import RECEIVER, Feed

__all__ = ["RECEIVER", "Workplace", "free_ports", "fresh_workplace"]


NEVER_GIVEN_OUT = range(15_000, 32_768)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one subject runs."""

    directory: Path
    port: int
    """where it is to receive"""
    api_port: int
    sinks: tuple[int, ...]
    """where it is to deliver, every message to each"""
    further_ports: tuple[int, ...] = ()
    """where it is to receive besides"""

    @property
    def ports(self) -> tuple[int, ...]:
        """Return all ports where it is to receive."""
        return (self.port, *self.further_ports)

    @property
    def configuration(self) -> Path:
        """Return the configuration directory."""
        return self.directory / "config"

    @property
    def database(self) -> Path:
        """Return the path of the store, which does not exist yet."""
        return self.directory / "bench.db"

    @property
    def log(self) -> Path:
        """Return the file with what the subject prints."""
        return self.directory / "subject.log"


@contextmanager
def fresh_workplace(
    sinks: Sequence[int], parent: Path | None = None, *, keep: bool = False, feed: Feed | None = None
) -> Iterator[Workplace]:
    """Make a workplace, mode 0700, under `parent` or the system's temporary directory; remove it unless `keep`."""
    feed = feed or Feed(fanout=len(sinks))
    directory = Path(tempfile.mkdtemp(prefix="mefor-bench-", dir=parent))
    try:
        api_port, *ports = free_ports(1 + feed.inbounds)
        place = Workplace(directory, ports[0], api_port, tuple(sinks), tuple(ports[1:]))
        _write_configuration(place, feed)
        yield place
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Return different TCP ports of 127.0.0.1 that nobody listens on now, none that the system gives out by itself."""
    found: list[int] = []
    with ExitStack() as held:
        for port in SystemRandom().sample(NEVER_GIVEN_OUT, len(NEVER_GIVEN_OUT)):
            if len(found) == count:
                break
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found


def _write_configuration(place: Workplace, feed: Feed) -> None:
    place.configuration.mkdir(mode=0o700)
    path = place.configuration / "feed.py"
    path.write_text(feed.configuration(place.ports, place.sinks))
    path.chmod(0o600)
