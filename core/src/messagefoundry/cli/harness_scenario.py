"""`messagefoundry harness scenario`: prove that each disposition comes about as it should."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall, finish
from messagefoundry.cli.harness_choice import EXPECTED
from messagefoundry.cli.harness_proof import Wish, prove
from messagefoundry.cli.output import plural, show_json, styled
from messagefoundry.cli.sources import as_on_the_wire, sources
from messagefoundry.contracts.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.cli.harness_trial import Verdict
    from messagefoundry.cli.sources import Source

EVERY = "all"
SAMPLES = Path("messages/sets")
"""Where `messagefoundry init` puts messages."""


@click.command("scenario", no_args_is_help=True)
@click.argument("names", metavar="NAME...|all", nargs=-1, required=True)
@click.option("--config", metavar="DIR", type=options.FILE, help="The configuration.  [default: ./config, if there]")
@options.settings
@click.option("--running", is_flag=True, help="Send to the engine that runs on this store, and on to its partners.")
@click.option("--to", "address", metavar="HOST:PORT", help="Where that engine receives, if not where it says.")
@click.option(
    "--partner", metavar="OUTBOUND", default="", help="Play the partner of this MLLP outbound of that engine."
)
@click.option("--inbound", metavar="NAME", default="", help="Send to this inbound.")
@click.option(
    "--message", "given", metavar="NAME=FILE", multiple=True, help="The message of a scenario; may be given again."
)
@click.option(
    "--messages", metavar="DIR", type=options.FILE, help="Find them here.  [default: messages/sets, if there]"
)
@click.option(
    "--timeout",
    "within",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    default=60,
    show_default=True,
    help="Seconds for a message to come to its disposition.",
)
@options.yes
@options.as_json
def command(names: Sequence[str], given: Sequence[str], messages: Path | None, as_json: bool, **rest: Any) -> None:
    """Prove each disposition with a message of its own: sent over MLLP, followed in the store, judged.

    \b
      processed     something is sent of it, and delivered
      filtered      a Handler sends nothing of it
      unrouted      the Router names no Handler
      error         a Router or a Handler fails with it
      dead_letter   a partner answers AE, then AR: retry, dead letter; then replay, and delivered

    A throwaway engine runs the configuration, with its store in a temporary directory. The harness stands in for the
    sender and for every partner, so nothing reaches anybody, and folders and files are left alone. In a folder without
    a configuration it runs the one that `messagefoundry init` writes.

    With --running it sends to your engine instead, and your partners get the messages; for dead_letter give --partner.

    The messages are yours (--message, --messages) or made up: the first that shows the scenario in a dry run. It exits
    1 when a disposition is another one, 2 when no message shows a scenario.
    """
    wish = Wish(scenarios_of(names), messages_of(given), samples_of(messages), **rest)
    verdicts: list[Verdict] = []

    def tell(verdict: Verdict) -> None:
        verdicts.append(verdict)
        if not as_json:
            click.echo(line(verdict))

    about = prove(wish, tell, say_nothing if as_json else click.echo)
    if as_json:
        show_json({"engine": about, "verdicts": [each.facts() for each in verdicts]})
    else:
        click.echo(summary(verdicts))
    finish(exit_code(verdicts))


def say_nothing(text: str) -> None:
    """For programs there is the document at the end."""


def scenarios_of(names: Sequence[str]) -> list[str]:
    """The scenarios that are named, in their own order. Raises WrongCall."""
    for name in names:
        if name not in EXPECTED and name != EVERY:
            mend = did_you_mean(name, [*EXPECTED, EVERY]) or f"there are {', '.join(EXPECTED)}, and {EVERY}"
            raise WrongCall(f"there is no scenario {name!r}: {mend}")
    return [each for each in EXPECTED if EVERY in names or each in names]


def messages_of(given: Sequence[str]) -> dict[str, Source]:
    """The message of each scenario that was given one. Raises WrongCall."""
    found: dict[str, Source] = {}
    for text in given:
        name, _, file = text.partition("=")
        if name not in EXPECTED or not file:
            raise WrongCall(f"--message {text}: write NAME=FILE, with one of {', '.join(EXPECTED)}")
        messages = list(sources([Path(file)]))
        if len(messages) != 1:
            raise WrongCall(f"--message {text}: {file} holds {len(messages)} messages: give a file with one")
        if not as_on_the_wire(messages[0].raw).startswith(b"MSH"):
            raise WrongCall(f"--message {text}: {file} holds no HL7 v2 message: it does not begin with MSH")
        found[name] = messages[0]
    return found


def samples_of(folder: Path | None) -> list[Source]:
    """The user's HL7 v2 messages. Raises WrongCall for a folder that is named and not there."""
    if folder is None and not SAMPLES.is_dir():
        return []
    return [each for each in sources([folder or SAMPLES]) if as_on_the_wire(each.raw).startswith(b"MSH")]


def line(verdict: Verdict) -> str:
    """A verdict for people: what was found, what is wrong with it, and below that the way there."""
    name = f"{verdict.scenario:<11}"
    if verdict.passed is None:
        return f"{name}  {styled('not tried', fg='yellow')}: {verdict.reason}"
    expected = EXPECTED[verdict.scenario]
    colour = "green" if verdict.passed else "red"
    found = verdict.found or "nothing"
    said = styled(found if verdict.passed else f"FAILED: expected {expected}, found {found}", fg=colour, bold=True)
    message = f"message {verdict.message_id}" if verdict.message_id else f"MSH-10 {verdict.control_id}"
    answered = f"the sender got {verdict.answer or 'no answer'}"
    way = " > ".join([*verdict.trail[:1], answered, *verdict.trail[1:]])
    below = "".join(f"\n{'':<11}  {each}" for each in (verdict.reason, way) if each)
    return f"{name}  {said}  {verdict.seconds:.2f} s  {message}, {verdict.source}{below}"


def summary(verdicts: Sequence[Verdict]) -> str:
    """All verdicts in one line."""
    kinds = {"passed": True, "failed": False, "not tried": None}
    counts = {word: sum(each.passed is kind for each in verdicts) for word, kind in kinds.items()}
    parts = [f"{count} {word}" for word, count in counts.items() if count or word == "passed"]
    return f"{plural(len(verdicts), 'scenario')}: {', '.join(parts)}"


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """1 when one failed, else 2 when one could not be tried."""
    if any(each.passed is False for each in verdicts):
        return 1
    return 2 if any(each.passed is None for each in verdicts) else 0
