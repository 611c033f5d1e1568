"""`messagefoundry send`: send messages over MLLP and show each answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.mllp_client import (
    Answer,
    Conversation,
    Target,
    control_id,
    target_of,
    tls_context,
)
from messagefoundry.cli.output import plural, show_line, styled
from messagefoundry.cli.sources import Source, as_on_the_wire, sources
from messagefoundry.message import for_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(slots=True)
class Tally:
    """What has been answered so far."""

    as_json: bool = False
    codes: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, source: Source, answer: Answer) -> None:
        """Count and show one answer."""
        code = answer.code or "none"
        if answer.reached:
            self.codes[code] = self.codes.get(code, 0) + 1
            self.milliseconds.append(answer.milliseconds)
        number = for_log(control_id(source.raw))
        if self.as_json:
            show_line(
                {
                    "source": source.label,
                    "control_id": number,
                    "code": answer.code,
                    "text": answer.text,
                    "ms": round(answer.milliseconds, 1),
                }
            )
            return
        shown = styled(f"{code:<4}", fg="green" if answer.accepted else "red", bold=not answer.accepted)
        click.echo(f"{shown}  {answer.milliseconds:8.1f} ms  {number:<20}  {source.label}  {answer.text}".rstrip())

    @property
    def accepted(self) -> int:
        """Messages that the partner took."""
        return sum(count for code, count in self.codes.items() if code in ("AA", "CA"))

    @property
    def sent(self) -> int:
        """Messages that were answered, or were not."""
        return len(self.milliseconds)

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@click.command("send", no_args_is_help=True)
@click.argument("address", metavar="HOST:PORT")
@click.argument("paths", metavar="FILE|DIR|-...", nargs=-1, required=True, type=options.FILE)
@options.rate
@click.option(
    "--connections", type=click.IntRange(1, 1000), metavar="N", default=1, show_default=True, help="Side by side."
)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="S", default=30, show_default=True, help="Seconds."
)
@click.option("--as-is", is_flag=True, help="Send the bytes of each file as one frame, unchanged.")
@click.option("--tls", is_flag=True, help="TLS 1.2 or newer; implied by the options below.")
@click.option("--ca", metavar="FILE", type=options.FILE, help="Trust this authority instead of the system's.")
@click.option("--cert", metavar="FILE", type=options.FILE, help="Our own certificate.")
@click.option("--key", metavar="FILE", type=options.FILE, help="Its key, when it is not in the same file.")
@options.as_json
def command(
    address: str,
    paths: Sequence[Path],
    rate: float | None,
    connections: int,
    timeout: float,
    as_is: bool,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Send messages over MLLP and print each answer: MSA-1, milliseconds, MSH-10, where it came from, and a text.

    The text is MSA-3; of anything but AA or CA, code and sentence of its ERR segments (ERR-3, ERR-8), if it has any.

    Files may hold several messages; the envelope of a batch (FHS, BHS, BTS, FTS) is taken off and each of its messages
    sent by itself, unless --as-is is given. "-" reads standard input; folders are searched for *.hl7, *.txt, *.dat,
    *.json and *.xml. Exits 1 when anything but AA or CA came back.
    """
    host, port = target_of(address)
    context = tls_context(ca, cert, key) if tls or ca or cert or key else None
    messages = list(sources(paths, whole=as_is))
    if not messages:
        raise WrongCall(f"there is no message in {', '.join(map(str, paths))}")
    tally = Tally(as_json)
    try:
        trio.run(partial(send_all, Target(host, port, timeout, context), messages, tally, connections, rate))
    finally:
        show_summary(tally, len(messages))
    finish(0 if tally.accepted == len(messages) else 1)


async def send_all(
    target: Target, messages: Iterable[Source], tally: Tally, connections: int, rate: float | None
) -> None:
    """Send every message over so many connections; each waits for its answer before it sends the next."""
    began = trio.current_time()
    queue = iter(messages)
    slots = iter(range(2**62))

    async def worker() -> None:
        async with Conversation(target) as conversation:
            for source in queue:
                if rate is not None:
                    await trio.sleep_until(began + next(slots) / rate)
                answer = await conversation.ask(source.raw if source.whole else as_on_the_wire(source.raw))
                tally.note(source, answer)
                tally.seconds = trio.current_time() - began
                if not answer.reached:  # what follows must not overtake it
                    nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for _ in range(connections):
            nursery.start_soon(worker)


def show_summary(tally: Tally, messages: int) -> None:
    """What came of it all, in one line."""
    pace = tally.sent / tally.seconds if tally.seconds else 0.0
    times = [round(tally.percentile(share), 1) for share in (0.5, 0.99, 1.0)]
    if tally.as_json:
        facts = {"messages": messages, "sent": tally.sent, "accepted": tally.accepted, "codes": tally.codes}
        show_line({**facts, "per_second": round(pace, 1), "ms": dict(zip(("p50", "p99", "max"), times, strict=True))})
        return
    others = ", ".join(f"{count} {code}" for code, count in sorted(tally.codes.items()) if code not in ("AA", "CA"))
    unsent = f", {messages - tally.sent} not sent" if messages > tally.sent else ""
    pace_and_times = f"; {pace:.1f}/s, answers in {times[0]} ms (p50), {times[1]} ms (p99), {times[2]} ms (longest)"
    click.echo(
        f"{plural(tally.sent, 'message')} sent, {tally.accepted} accepted{f' ({others})' if others else ''}{unsent}"
        f"{pace_and_times if tally.sent else ''}"
    )
