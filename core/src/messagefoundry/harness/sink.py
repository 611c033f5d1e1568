"""MLLP sink: answers every message on several ports, counts, and reconciles with a generator's journal.

    python -m messagefoundry.harness.sink --port 2700 --expect 10000 --journal sent.txt

prints {"listening": [ports]} when it can be reached, and its report as one JSON object at the end. With --control each
ending comes as one JSON object on standard input, {"expect": 100, "idle": 15, "at_most": 120, "journal": "sent.txt"};
the report follows, and counting begins anew. The end of standard input stops it. Exit code 0 when nothing is missing,
1 when something is, 2 when the call is wrong.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .arrivals import Arrivals
from .journal import Journal
from .receiver import Answering, Ending, Sink
from .reconcile import Reconciliation, reconcile

__all__ = ["Answering", "Ending", "PortReport", "Sink", "main", "report"]


@dataclass(frozen=True, slots=True)
class PortReport:
    """What one port of a sink saw."""

    port: int
    unique: int
    duplicates: int
    order_breaks: int
    connection_breaks: int
    wrong_receiver: int
    connections: int
    reconciled: Reconciliation | None
    """None without a journal"""


def report(sink: Sink, journal: Journal | None = None) -> list[PortReport]:
    """Return what each port saw, compared with the journal when there is one."""
    return [_port_report(port, arrivals, journal) for port, arrivals in sink.arrivals.items()]


def _port_report(port: int, arrivals: Arrivals, journal: Journal | None) -> PortReport:
    return PortReport(
        port=port,
        unique=arrivals.unique,
        duplicates=arrivals.duplicates,
        order_breaks=arrivals.order_breaks,
        connection_breaks=arrivals.connection_breaks,
        wrong_receiver=arrivals.wrong_receiver,
        connections=arrivals.connections,
        reconciled=None if journal is None else reconcile(journal, arrivals.first_ns),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    options = _parser().parse_args(argv)
    answering = Answering(code=options.code, delay_seconds=options.delay_ms / 1000, receiver=options.receiver)
    try:
        sink = Sink(options.ports, answering, options.host)
    except OSError as error:
        print(f"cannot listen on {options.host}: {error}", file=sys.stderr)
        return 2
    rounds = _Rounds(sink, options.journal)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sink.stop())
    if options.control:
        threading.Thread(target=rounds.obey, daemon=True).start()
    else:
        sink.end(Ending(expect=options.expect, idle=options.idle))
    print(json.dumps({"listening": sink.ports}), flush=True)
    try:
        return rounds.run(again=options.control)
    finally:
        sink.close()


class _Rounds:
    """Serving and reporting, once, or once for every ending that comes through standard input."""

    def __init__(self, sink: Sink, journal: Path | None) -> None:
        self._sink, self._journal = sink, journal
        self._reported = threading.Event()
        self._cpu = 0.0

    def obey(self) -> None:
        """Take endings from standard input, each when the one before is reported; stop once there are no more."""
        for line in sys.stdin:
            order: dict[str, Any] = json.loads(line)
            journal = order.pop("journal", None)
            self._journal = None if journal is None else Path(journal)
            self._reported.clear()
            self._sink.end(Ending(**order))
            self._reported.wait()
        self._sink.stop()

    def run(self, *, again: bool) -> int:
        """Serve and report until stopped; return the exit code."""
        complete, reported = True, False
        while self._sink.serve() and again:
            complete, reported = self._report() and complete, True
            self._sink.begin_anew()
            self._reported.set()
        return 0 if (reported or self._report()) and complete else 1

    def _report(self) -> bool:
        """Print what this round saw; False when something is missing."""
        total = time.process_time()
        cpu, self._cpu = round(total - self._cpu, 2), total
        reports = report(self._sink, None if self._journal is None else Journal.load(self._journal))
        print(json.dumps({"ports": [asdict(one) for one in reports], "cpu_seconds": cpu}), flush=True)
        return not any(one.reconciled and one.reconciled.missing for one in reports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sink", description="Answer MLLP messages, count and reconcile them.")
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, required=True, action="append", dest="ports", help="repeatable; 0 picks a free port")
    add("--code", default="AA", help="MSA-1 of every answer")
    add("--delay-ms", type=float, default=0.0, help="answer this much later")
    add("--receiver", help="the MSH-5 every message must have")
    add("--expect", type=int, help="end once every port has so many unique messages")
    add("--idle", type=float, help="end after so many seconds without an arrival")
    add("--journal", type=Path, help="the generator's journal, read at the end")
    add("--control", action="store_true", help="take the ending from standard input")
    return parser


if __name__ == "__main__":
    sys.exit(main())
