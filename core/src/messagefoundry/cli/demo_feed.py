"""The demonstration's parts: a workplace, an engine in a process of its own, and the partners on both sides."""

from __future__ import annotations

import re
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.demo_sender import Sender
from messagefoundry.harness.latency import Latency
from messagefoundry.harness.receiver import Answering, Sink
from messagefoundry.harness.subject import engine, running
from messagefoundry.harness.workplace import RECEIVER, Workplace, free_ports

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

FEED = """\
from messagefoundry import MLLP, File, Send, handler, inbound, outbound, router

inbound("IB_DEMO", MLLP(port={port}), router="demo")
outbound("OB_DEMO_PARTNER", MLLP(host="127.0.0.1", port={sink}))
outbound("OB_DEMO_FILES", File(directory={folder!r}))


@router("demo")
def route(msg):
    return "address"


@handler("address")
def address(msg):
    msg["MSH-5"] = "{receiver}"
    return [Send("OB_DEMO_PARTNER", msg), Send("OB_DEMO_FILES", msg)]
"""


@dataclass(slots=True)
class Demo:
    """Everything that runs, and what can be said of it."""

    sender: Sender
    sink: Sink
    folder: Path
    engine: subprocess.Popen[bytes]
    log: Path
    thread: threading.Thread

    @property
    def sending(self) -> bool:
        """Whether messages are still sent."""
        return self.thread.is_alive() and self.engine_lives

    @property
    def engine_lives(self) -> bool:
        """Whether the engine has not ended."""
        return self.engine.poll() is None

    @property
    def sent(self) -> int:
        """Messages sent."""
        return self.sender.sent

    @property
    def accepted(self) -> int:
        """Messages that the engine acknowledged."""
        return self.sender.codes["AA"]

    @property
    def delivered(self) -> int:
        """Messages that the receiving partner has."""
        return len(self.sink.arrivals[self.sink.ports[0]].first_ns)

    @property
    def files(self) -> int:
        """Messages that the folder has."""
        return sum(1 for _ in self._files())

    @property
    def arrived(self) -> int:
        """Deliveries on both ways."""
        return self.delivered + self.files

    @property
    def waiting(self) -> int:
        """Deliveries that are still to come for what was acknowledged."""
        return max(0, 2 * self.accepted - self.arrived)

    @property
    def ack_ms(self) -> Latency:
        """How soon the latest messages were acknowledged."""
        return Latency.of(list(self.sender.recent_ns))

    @property
    def per_second(self) -> float:
        """Messages sent a second."""
        return self.sent / self.sender.seconds if self.sender.seconds else 0.0

    def _files(self) -> Iterator[Path]:
        return (path for path in self.folder.iterdir() if path.suffix == ".hl7") if self.folder.is_dir() else iter(())

    def stop_sending(self) -> None:
        """End the sending partner after the message that it is at."""
        self.sender.stopped.set()
        self.thread.join(35)

    def findings(self) -> list[str]:
        """A sentence for everything that is not as it must be."""
        wanted = [f"SYN{number:08d}" for number in range(1, self.sent + 1)]
        arrivals = self.sink.arrivals[self.sink.ports[0]]
        wrong = [
            (not self.engine_lives, f"the engine ended with code {self.engine.returncode}:\n{self._log_end()}"),
            (self.sender.failure, f"sending failed: {self.sender.failure}"),
            (self.accepted != self.sent, f"{self.sent - self.accepted} messages were not acknowledged AA"),
            (not self.sent, "nothing was sent"),
            (arrivals.duplicates, f"{arrivals.duplicates} messages came twice over MLLP"),
            (arrivals.wrong_receiver, f"{arrivals.wrong_receiver} messages came without the Handler's edit"),
        ]
        ways = [("MLLP", list(arrivals.first_ns)), ("File", written_order(self._files()))]
        return [*(text for holds, text in wrong if holds), *filter(None, (judged(*way, wanted) for way in ways))]

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def facts(self) -> dict[str, Any]:
        """Everything for programs."""
        latency = self.ack_ms
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "delivered": self.delivered,
            "files": self.files,
            "seconds": round(self.sender.seconds, 2),
            "per_second": round(self.per_second, 1),
            "ack_ms": {"p50": latency.p50, "p99": latency.p99, "max": latency.max},
        }


def judged(way: str, arrived: list[str], wanted: list[str]) -> str:
    """What is wrong with what one way has; "" when it has all, once and in order."""
    if arrived == wanted:
        return ""
    missing, strange = set(wanted) - set(arrived), set(arrived) - set(wanted)
    if missing or strange:
        return f"{way}: {len(missing)} messages are missing, {len(strange)} were never sent"
    return f"{way}: the messages came in another order than they were sent"


def written_order(files: Iterator[Path]) -> list[str]:
    """Control ids by the time at which their files were written; those of one tick of the clock by name."""
    written = sorted((path.stat().st_mtime_ns, path.stem, path) for path in files)
    return [control_id(path) for _, _, path in written]


def control_id(path: Path) -> str:
    """MSH-10 of a file."""
    fields = re.split(rb"[\r\n]", path.read_bytes(), maxsplit=1)[0].split(b"|", 10)
    return fields[9].decode("latin-1") if len(fields) > 9 else ""


@contextmanager
def demo_running(count: int | None, rate: float | None) -> Iterator[Demo]:
    """Start everything; stop the engine in order and remove the directory at the end. Raises SubjectError."""
    with tempfile.TemporaryDirectory(prefix="messagefoundry-demo-") as name, listening() as sink:
        port, api_port = free_ports(2)
        place = Workplace(Path(name), port, api_port, sink.ports)
        folder = place.directory / "out"
        write_feed(place, folder)
        with running(engine(), place) as started:
            sender = Sender(port, count, rate)
            thread = threading.Thread(target=sender.run, daemon=True)
            thread.start()
            try:
                yield Demo(sender, sink, folder, started.process, place.log, thread)
            finally:
                sender.stopped.set()


@contextmanager
def listening() -> Iterator[Sink]:
    """The receiving partner."""
    sink = Sink([0], Answering(receiver=RECEIVER))
    thread = threading.Thread(target=sink.run, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.stop()
        thread.join(5)


def write_feed(place: Workplace, folder: Path) -> None:
    """Write the configuration, for this user alone."""
    place.configuration.mkdir(mode=0o700)
    feed = place.configuration / "demo.py"
    text = FEED.format(port=place.port, sink=place.sinks[0], folder=str(folder), receiver=RECEIVER)
    feed.write_text(text, "utf-8")
    feed.chmod(0o600)
