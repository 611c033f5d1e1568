"""MLLP load generator: unique ADT^A01 over many connections, every answer checked, every time kept.

    python -m messagefoundry.harness.load --port 2600 --connections 8 --seconds 10 --journal sent.txt

prints one JSON object. Exit code 0 when every message was accepted, 1 when not, 2 when the call is wrong or nobody
listens.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .generator import Generator, Load
from .journal import ACCEPTED, Entry, Journal
from .latency import Latency

__all__ = ["Load", "LoadResult", "main", "run"]


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of a load."""

    sent: int
    acked: int
    """answered AA (or CA) with the right MSA-2"""
    errors: int
    """answered otherwise, or not at all"""
    codes: dict[str, int]
    late: int
    """messages that had to wait for room when they were due"""
    unasked: int
    """replies that belong to no message"""
    seconds: float
    """sending time"""
    intake_per_second: float
    """accepted within the sending time, a second"""
    ack_ms: Latency
    """from when a message was due to its answer"""
    mean_bytes: int
    cpu_seconds: float
    journal: Journal
    """send time, answer time and code of each message by control id"""

    def as_json(self) -> dict[str, Any]:
        """Return everything but the journal as plain values."""
        return {name: _plain(getattr(self, name)) for name in self.__slots__ if name != "journal"}


def _plain(value: object) -> object:
    return asdict(value) if isinstance(value, Latency) else value


def run(load: Load) -> LoadResult:
    """Send a load and return its result; raises OSError when nobody listens."""
    cpu = time.process_time()
    generator = Generator(load)
    generator.run()
    return _result(generator, time.process_time() - cpu)


def _result(generator: Generator, cpu_seconds: float) -> LoadResult:
    journal, codes = generator.journal, generator.journal.codes()
    seconds = (journal.sending_ended_ns - generator.started_ns) / 1e9
    accepted: list[Entry] = [entry for entry in journal if entry.accepted]
    in_time = sum(entry.answered_ns <= journal.sending_ended_ns for entry in accepted)
    return LoadResult(
        sent=len(journal),
        acked=len(accepted),
        errors=sum(count for code, count in codes.items() if code not in ACCEPTED),
        codes=dict(codes),
        late=generator.late,
        unasked=generator.unasked,
        seconds=round(seconds, 3),
        intake_per_second=round(in_time / seconds, 1) if seconds else 0.0,
        ack_ms=Latency.of(entry.answered_ns - entry.due_ns for entry in accepted),
        mean_bytes=round(generator.bytes_sent / len(journal)) if len(journal) else 0,
        cpu_seconds=round(cpu_seconds, 2),
        journal=journal,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    options = _parser().parse_args(argv)
    journal: Path | None = options.journal
    try:
        result = run(_load(options))
    except OSError as error:
        print(f"cannot send to {options.host}: {error}", file=sys.stderr)
        return 2
    if journal is not None:
        result.journal.save(journal)
    print(json.dumps(result.as_json()))
    return 0 if result.sent == result.acked else 1


def _load(options: argparse.Namespace) -> Load:
    given = {name: value for name, value in vars(options).items() if value is not None and name != "journal"}
    return Load(**{**given, "ports": tuple(options.ports)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="load", description="Send unique ADT^A01 over MLLP and check every answer.")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, required=True, action="append", dest="ports", help="repeatable: connections are spread")
    add("--connections", type=int, default=1)
    add("--window", type=int, default=1, help="unanswered messages a connection may have")
    add("--rate", type=float, help="messages a second in all; default: as fast as answers allow")
    add("--seconds", type=float, help="sending time; default 10 unless --count is given")
    add("--count", type=int, help="messages in all")
    add("--size", type=int, default=0, help="pad messages to about this many bytes")
    add("--prefix", help="start of every MSH-10, eleven characters at most (MSH-10 has 20); default: from the clock")
    add("--ack-timeout", type=float, default=30.0, help="seconds to wait for answers after sending")
    add("--journal", type=Path, help="write send time, answer time and code of every message here, for the sink")
    return parser


if __name__ == "__main__":
    sys.exit(main())
