"""A fresh directory with free ports and the configuration of the feed to measure."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

RECEIVER = "DOWNSTREAM"
"""MSH-5 as the Handler sets it: proof that it ran"""

_FEED = """\
from messagefoundry import MLLP, Send, handler, inbound, outbound, router

inbound("IB_BENCH", MLLP(port={port}), router="to_bench")
{outbounds}

@router("to_bench")
def to_bench(msg):
    return "bench"


@handler("bench")
def bench(msg):
    msg["MSH-5"] = "{receiver}"
    return {sends}
"""
_OUTBOUND = 'outbound("{name}", MLLP(host="127.0.0.1", port={port}))\n'


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one subject runs."""

    directory: Path
    port: int
    """where it is to receive"""
    api_port: int
    sinks: tuple[int, ...]
    """where it is to deliver, every message to each"""

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
def fresh_workplace(sinks: Sequence[int], parent: Path | None = None, *, keep: bool = False) -> Iterator[Workplace]:
    """Make a workplace, mode 0700, under `parent` or the system's temporary directory; remove it unless `keep`."""
    directory = Path(tempfile.mkdtemp(prefix="mefor-bench-", dir=parent))
    try:
        port, api_port = free_ports(2)
        place = Workplace(directory, port, api_port, tuple(sinks))
        _write_configuration(place)
        yield place
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Return different TCP ports of 127.0.0.1 that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in sockets]


def feed_configuration(port: int, sinks: Sequence[int]) -> str:
    """Return the feed's Python text: one inbound, one Router, one Handler, one outbound a sink."""
    names = ["OB_BENCH"] if len(sinks) == 1 else [f"OB_BENCH_{number}" for number in range(1, len(sinks) + 1)]
    sends = [f'Send("{name}", msg)' for name in names]
    return _FEED.format(
        port=port,
        receiver=RECEIVER,
        outbounds="".join(_OUTBOUND.format(name=name, port=sink) for name, sink in zip(names, sinks, strict=True)),
        sends=sends[0] if len(sends) == 1 else f"[{', '.join(sends)}]",
    )


def _write_configuration(place: Workplace) -> None:
    place.configuration.mkdir(mode=0o700)
    feed = place.configuration / "feed.py"
    feed.write_text(feed_configuration(place.port, place.sinks))
    feed.chmod(0o600)
