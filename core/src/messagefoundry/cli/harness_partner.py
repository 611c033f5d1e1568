"""`messagefoundry harness partner`: a partner that receives over MLLP, and answers as a script says."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import trio

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.harness_saved import SavedFrames
from messagefoundry.cli.output import plural, show_line, styled
from messagefoundry.cli.times import clock, iso, now
from messagefoundry.harness.acts import Script, ScriptError, read_script
from messagefoundry.harness.scripted_partner import ScriptedPartner, printable

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.harness.acts import Act
    from messagefoundry.harness.headers import Header
    from messagefoundry.harness.scripted_partner import Received

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


@dataclass(slots=True)
class Tally:
    """What has come so far; ends `scope` with the last message that is waited for."""

    as_json: bool
    count: int | None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    answers: Counter[str] = field(default_factory=Counter)
    control_ids: set[str] = field(default_factory=set)
    batches: int = 0

    @property
    def messages(self) -> int:
        """Messages that something has happened to, those in batches among them."""
        return self.answers.total()

    @property
    def complete(self) -> bool:
        """Whether as many came as were waited for."""
        return self.count is None or self.messages >= self.count

    def note(self, received: Received, act: Act) -> None:
        """Count and show one message, or one batch and its messages."""
        self.batches += received.batch
        self.answers.update(act.of(place) for place in range(len(received.messages)))
        self.control_ids.update(each.control_id for each in received.messages)
        if self.as_json:
            show_line(facts_of(received, act))
        else:
            show(received, act)
        if self.count is not None and self.complete:
            self.scope.cancel()

    def conclude(self, connections: int) -> None:
        """All of it in one line. A repeated control id is the same message once more."""
        different = len(self.control_ids)
        if self.as_json:
            facts = {"messages": self.messages, "different": different, "batches": self.batches}
            answers = {"connections": connections, "answers": dict(self.answers)}
            show_line({**facts, **answers, "complete": self.complete})
            return
        batches = f"in {self.batches:,} batch{'es' * (self.batches != 1)}, " if self.batches else ""
        came = f"{plural(self.messages, 'message')}, {different:,} different, {batches}"
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in self.answers.items())
        click.echo(f"{came}on {plural(connections, 'connection')}{f': {counts}' if counts else ''}")


def facts_of(received: Received, act: Act) -> dict[str, Any]:
    """One message or one batch for programs."""
    messages = [
        {"message_type": printable(each.message_type), "control_id": printable(each.control_id)}
        for each in received.messages
    ]
    answered = {"answer": act.words if received.batch else act.outcome, "delay_seconds": act.delay}
    came = {"at": iso(now()), "peer": received.peer}
    if not received.batch:
        return {**came, **messages[0], **answered}
    each = [{**message, "answer": act.of(place)} for place, message in enumerate(messages)]
    return {**came, "batch": printable(received.control_id), "messages": each, **answered}


def show(received: Received, act: Act) -> None:
    """One message in one line: when, MSH-9, MSH-10, and its answer; of a batch a line, and one for each message."""
    if not received.batch:
        told = replace(act, each=())
        click.echo(line(clock(now()), received.messages[0], str(told), act.outcome))
        return
    at, count = clock(now()), plural(len(received.messages), "message")
    name = printable(received.control_id) or "no BHS-11"
    click.echo(f"{at}  {f'batch {name}, {count}':<38}  {styled(str(act), fg=colour_of(act.outcome))}")
    for place, each in enumerate(received.messages):
        click.echo(line(" " * len(at), each, act.of(place), act.of(place)))


def line(begin: str, header: Header, told: str, outcome: str) -> str:
    """MSH-9 and MSH-10 of one message, and what happened to it."""
    kind, number = printable(header.message_type) or "no MSH-9", printable(header.control_id) or "no MSH-10"
    return f"{begin}  {kind:<16}  {number:<20}  {styled(told, fg=colour_of(outcome))}"


def colour_of(outcome: str) -> str:
    """Green for an acceptance."""
    return "green" if outcome in ("AA", "CA") else "yellow"


@click.command("partner")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", required=True, help="Where; 0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The interface to listen on.")
@click.option("--script", metavar="TEXT", help="What happens to each message; without, all are answered AA.")
@click.option("--script-file", metavar="FILE", type=options.FILE, help="The same, from a file.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many messages.")
@click.option(
    "--within", type=click.FloatRange(0, min_open=True), metavar="S", help="End after so many seconds, whatever came."
)
@click.option("--save", metavar="DIR", type=options.FILE, help="Keep every message there as a file: patient data!")
@options.as_json
def command(
    port: int,
    host: str,
    script: str | None,
    script_file: Path | None,
    count: int | None,
    within: float | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Receive over MLLP until Ctrl-C: a line for each message with MSH-9, MSH-10 and its answer, and the counts.

    A script has one act for each message or batch, parted by ";" (in a file also by lines; "#" begins a comment). After
    the last act everything is answered AA; "repeat" at its end begins it again.

    \b
      AA  AE  AR  CA  CE  CR   answer so
      close                    close the connection without an answer
      garbage                  answer something that is no acknowledgment
      wrong-id                 acknowledge another message (MSA-2)
      none                     never answer
      delay 2 then AA          wait two seconds first
      fail 3 then AA           answer three messages AE, and the fourth AA
      fail 3 with close then AA
      5 times AR
      each AA AE               of a batch, answer the first message AA and each other AE

    A batch is one frame and takes one act, which is one answer for all of its messages unless it says each.

    It exits 1 when fewer than --count messages came --within the time.
    """
    acts = script_of(script, script_file)
    kept = None if save is None else SavedFrames(save)
    tally = Tally(as_json, count)
    connections = trio.run(partial(receive, host, port, acts, tally, kept, within))
    tally.conclude(connections)
    finish(0 if tally.complete else 1)


def script_of(text: str | None, file: Path | None) -> Script:
    """The script that was given, in one way or the other. Raises WrongCall."""
    if text is not None and file is not None:
        raise WrongCall("give --script or --script-file, not both")
    try:
        return read_script(text or "" if file is None else file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise WrongCall(f"{file}: {why}") from error
    except ScriptError as error:
        raise WrongCall(f"{file or '--script'}: {error}") from error


async def receive(
    host: str, port: int, script: Script, tally: Tally, kept: SavedFrames | None, within: float | None
) -> int:
    """Receive until everything has come, time is up or a signal ends it; how many connections there were."""

    def answering(received: Received) -> Act:
        if kept is not None:
            kept.keep(received)
        return script.act(received.number)

    there = ScriptedPartner(answering, tally.note, host)
    tally.scope = trio.CancelScope(deadline=trio.current_time() + within if within is not None else float("inf"))
    with tally.scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(end_at_signal, tally.scope)
            try:
                announce(host, await nursery.start(there.serve, port), as_json=tally.as_json)
            except OSError as error:
                raise WrongCall(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return there.connections


async def end_at_signal(scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
    """Let Ctrl-C and SIGTERM end it in order."""
    with trio.open_signal_receiver(*STOPS) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


def announce(host: str, port: int, *, as_json: bool) -> None:
    """Say where it listens."""
    if as_json:
        show_line({"listening": {"host": host, "port": port}})
    else:
        click.echo(f"listening on {host}:{port}; Ctrl-C ends it")
