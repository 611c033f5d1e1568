"""`messagefoundry send`: send messages over MLLP and show each answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import trio

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.mllp_client import (
    ACCEPTED,
    Answer,
    Conversation,
    Target,
    control_id,
    target_of,
    tls_context,
)
from messagefoundry.cli.output import plural, show_line, styled
from messagefoundry.cli.send_batch import batch_in, codes_of, in_words
from messagefoundry.cli.sources import Source, as_on_the_wire, sources
from messagefoundry.message import for_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from messagefoundry.cli.send_batch import SentBatch


@dataclass(slots=True)
class Tally:
    """What has been answered so far."""

    as_json: bool = False
    codes: Counter[str] = field(default_factory=Counter)
    """acknowledgments by MSA-1"""
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    sent: int = 0
    """messages that were answered, or were not, those in batches among them"""
    accepted: int = 0
    """messages that the partner took"""
    batches: list[int] = field(default_factory=list)
    """how many messages each batch that was sent as it is has"""

    def note(self, source: Source, answer: Answer) -> None:
        """Count and show one answer."""
        batch = batch_in(source)
        if answer.reached:
            self.codes.update(codes_of(answer))
            self.milliseconds.append(answer.milliseconds)
            self.sent += 1 if batch is None else len(batch.members)
            self.accepted += answer.accepted if batch is None else batch.accepted(answer)
        if answer.reached and batch is not None:
            self.batches.append(len(batch.members))
        if self.as_json:
            show_line(facts_of(source, answer, batch))
        else:
            click.echo(line(source, answer, batch))

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def facts_of(source: Source, answer: Answer, batch: SentBatch | None) -> dict[str, Any]:
    """One answer for programs; `batch` is how many messages were in the frame, null when it was no batch."""
    return {
        "source": source.label,
        "control_id": for_log(control_id(source.raw) if batch is None else batch.control_id),
        "batch": None if batch is None else len(batch.members),
        "code": answer.code,
        "text": answer.text,
        "ms": round(answer.milliseconds, 1),
    }


def line(source: Source, answer: Answer, batch: SentBatch | None) -> str:
    """One answer for people."""
    code, text = answer.code or "none", answer.text
    if batch is not None:
        number, text = batch.control_id or b"no BHS-11", f"a batch of {plural(len(batch.members), 'message')}; {text}"
    else:
        number = control_id(source.raw)
    shown = styled(f"{code:<4}", fg="green" if answer.accepted else "red", bold=not answer.accepted)
    return f"{shown}  {answer.milliseconds:8.1f} ms  {for_log(number):<20}  {source.label}  {text}".rstrip("; ")


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
    sent by itself, unless --as-is is given: then BHS-11 is shown, and how many messages it had. "-" reads standard
    input; folders are searched for *.hl7, *.txt, *.dat, *.json and *.xml. Exits 1 when anything but AA or CA came back.
    """
    host, port = target_of(address)
    context = tls_context(ca, cert, key) if tls or ca or cert or key else None
    messages = list(sources(paths, whole=as_is))
    if not messages:
        raise WrongCall(f"there is no message in {', '.join(map(str, paths))}")
    whole = [batch_in(each) for each in messages]
    count = sum(1 if each is None else len(each.members) for each in whole)
    tally = Tally(as_json)
    try:
        trio.run(partial(send_all, Target(host, port, timeout, context), messages, tally, connections, rate))
    finally:
        show_summary(tally, count)
    finish(0 if tally.accepted == count else 1)


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
        counts = {"messages": messages, "sent": tally.sent, "batches": len(tally.batches), "accepted": tally.accepted}
        took = {"per_second": round(pace, 1), "ms": dict(zip(("p50", "p99", "max"), times, strict=True))}
        show_line({**counts, "codes": dict(tally.codes), **took})
        return
    told = [code for code in sorted(tally.codes) if tally.batches or code not in ACCEPTED]
    others = f" ({', '.join(f'{tally.codes[code]} {code}' for code in told)})" if told else ""
    unsent = f", {messages - tally.sent} not sent" if messages > tally.sent else ""
    pace_and_times = f"; {pace:.1f}/s, answers in {times[0]} ms (p50), {times[1]} ms (p99), {times[2]} ms (longest)"
    click.echo(
        f"{in_words(tally.sent, tally.batches)} sent, {tally.accepted} accepted{others}{unsent}"
        f"{pace_and_times if tally.sent else ''}"
    )
