"""`messagefoundry demo`: a synthetic hospital's messages through a real engine, from socket to socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from messagefoundry.cli import options
from messagefoundry.cli.demo_feed import Demo, demo_running
from messagefoundry.cli.demo_picture import final_table, live_picture
from messagefoundry.cli.failures import NotFine, finish
from messagefoundry.cli.output import on_terminal, show_json, styled
from messagefoundry.harness.subject import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 20.0
"""How long nothing may arrive before what is missing counts as lost."""

TICK_SECONDS = 0.1


@click.command("demo")
@click.option("--messages", metavar="N", type=click.IntRange(1), help="Send so many, check every one, and end.")
@options.rate
@options.as_json
def command(messages: int | None, rate: float | None, as_json: bool) -> None:
    """Run a real engine on a made-up hospital's messages, and watch what arrives.

    A partner sends ADT and ORU messages over MLLP; a Router and a Handler work on them; another partner gets them over
    MLLP, and a folder gets them as files. Without --messages it goes on until Ctrl-C. It exits 0 when everything was
    delivered on both ways, once and in order. Ports are free ones; everything is in a temporary directory.
    """
    rate = rate if rate is not None or messages is not None else 20.0
    if not as_json:
        click.echo("starting an engine in a temporary directory ...")
    try:
        with demo_running(messages, rate) as demo:
            watch(demo, quiet=as_json)
            settle(demo)
            findings = demo.findings()
            if as_json:
                show_json({**demo.facts(), "findings": findings})
            else:
                conclude(demo, findings)
    except SubjectError as error:
        raise NotFine(str(error)) from error
    finish(1 if findings else 0)


def watch(demo: Demo, *, quiet: bool) -> None:
    """Show how it goes, until all is sent or Ctrl-C."""
    try:
        if quiet:
            wait_while(lambda: demo.sending)
        elif on_terminal():
            live_picture(demo, TICK_SECONDS)
        else:
            print_now_and_then(demo)
    except KeyboardInterrupt:
        if not quiet:
            click.echo("")
    demo.stop_sending()


def settle(demo: Demo) -> None:
    """Wait for what is on its way, as long as anything still arrives."""
    arrived, since = -1, time.monotonic()
    while demo.waiting and time.monotonic() - since < PATIENCE_SECONDS and demo.engine_lives:
        if demo.arrived != arrived:
            arrived, since = demo.arrived, time.monotonic()
        time.sleep(TICK_SECONDS)
    time.sleep(3 * TICK_SECONDS)  # a late duplicate would still be seen


def wait_while(holds: Callable[[], bool]) -> None:
    """Wait for as long as something holds."""
    while holds():
        time.sleep(TICK_SECONDS)


def print_now_and_then(demo: Demo) -> None:
    """One line every five seconds, for logs."""
    last = time.monotonic()
    while demo.sending:
        time.sleep(TICK_SECONDS)
        if time.monotonic() - last >= 5:
            last = time.monotonic()
            click.echo(
                f"{demo.sent:,} sent, {demo.delivered:,} delivered, {demo.files:,} files, {demo.waiting:,} on their way"
            )


def conclude(demo: Demo, findings: list[str]) -> None:
    """The final table, and the verdict."""
    final_table(demo)
    for finding in findings:
        click.echo(f"{styled('FAILED', fg='red', bold=True)}  {finding}")
    if not findings:
        verdict = f"{demo.sent:,} messages: all delivered on both ways, once, in order"
        click.echo(styled(verdict, fg="green", bold=True))
