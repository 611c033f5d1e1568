"""`messagefoundry serve`: run the engine until it is told to stop."""

from __future__ import annotations

import gc
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import trio

from messagefoundry.api.serve import serve as serve_pages
from messagefoundry.cli import options
from messagefoundry.cli.banner import Banner, banner
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import FAILURES, WrongCall, finish, only_leaf
from messagefoundry.cli.signals import Ending, obey_signals
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.engine.plan import Plan, TooMuchRemoved
from messagefoundry.engine.run import run
from messagefoundry.observe import logs
from messagefoundry.plugins import installed
from messagefoundry.settings import check_posture, posture_of

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.engine.engine import Engine

SWITCH_INTERVAL_SECONDS = 0.0005
"""How soon a busy thread gives way to another: at the default of 5 ms each commit would wait for busy Handlers."""

MOST_FILES = 65_536
"""Descriptors asked of the operating system: each peer needs one, and 1,024, which is usual, are soon used up."""

COLLECTOR_THRESHOLDS = (20_000, 20, 50)
"""Of the garbage collector's generations: what a message allocates is freed without it, so looking often is waste."""


class Serve(click.Command):
    """The command, which takes the configuration as an option alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; a directory that stands alone is answered with the option for it."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if "unexpected extra argument" in error.message:
                raise click.UsageError(f"{error.message}: give the configuration as --config DIR", ctx) from error
            raise


@click.command("serve", cls=Serve)
@options.configuration
@click.option("--host", help="Where the HTTP pages are served; overrides [api] host.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help="Their port; overrides [api] port.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error; overrides [logging] level.")
@options.allow_insecure_bind
@click.option("--hold-outbound", is_flag=True, help="Receive and route, but send nothing until `connections start`.")
@click.option("--accept-removed", is_flag=True, help="Dead-letter the work of removed Connections, however much.")
def command(
    config: Path,
    hold_outbound: bool,
    accept_removed: bool,
    **call: Any,
) -> None:
    """Run the engine: receive, route and deliver until SIGTERM or Ctrl-C.

    The first one lets the work in flight end; a second one stops at once. Nothing that was acknowledged is lost either
    way. SIGHUP loads the configuration again.
    """
    configured = Configured(Call(config, **call))
    plan = plan_of(configured, hold_outbound=hold_outbound, accept_removed=accept_removed)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    allow_many_files()
    finish(served(plan, banner(configured, plan)))


def plan_of(configured: Configured, *, hold_outbound: bool = False, accept_removed: bool = False) -> Plan:
    """What is to run. Raises ConfigurationError with every problem; sets up the log on the way."""
    settings = configured.settings
    posture = posture_of(settings)
    logs.set_up(settings.logging.level, settings.logging.format)
    refusals = check_posture(settings, posture).refusals
    try:
        graph = configured.graph()
    except ConfigurationError as error:
        raise ConfigurationError([*refusals, *error.problems]) from error
    if refusals:
        raise ConfigurationError(refusals)
    return Plan(
        graph=graph,
        load=configured.graph,
        installed=installed(),
        factory=configured.stores,
        location=configured.location,
        api_host=settings.api.host,
        api_port=settings.api.port,
        shutdown_timeout_seconds=settings.engine.shutdown_timeout_seconds,
        realert_seconds=settings.alerts.realert_seconds,
        unsettled=settings.pipeline.unsettled,
        sync_on_startup=settings.reference.sync_on_startup,
        hold_outbound=hold_outbound,
        accept_removed=accept_removed,
    )


def served(plan: Plan, ready: Banner) -> int:
    """Run a plan to its end and give the exit code."""
    try:
        ending = trio.run(serve, plan, ready)
    except FAILURES as error:
        leaf = only_leaf(error)
        if isinstance(leaf, TooMuchRemoved):
            raise WrongCall(str(leaf)) from error
        raise leaf from None
    return ending.exit_code


def allow_many_files() -> None:
    """Raise this process's own limit of open files as far as it may go; Windows has none."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def spare_the_collector() -> None:
    """Let the garbage collector look less often, and never again at what was there before the first message."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def serve(plan: Plan, ready: Banner) -> Ending:
    """Run a plan, announce that it is ready, and obey signals."""
    ending = Ending()
    async with trio.open_nursery() as attended:
        ending.scope = attended.cancel_scope
        await attended.start(obey_signals, ending)
        async with trio.open_nursery() as running:
            engine: Engine = await running.start(partial(run, plan, serve_pages))
            ending.engine = engine
            spare_the_collector()
            await ready.show(engine)
            await engine.stopping.wait()
            ready.farewell()
        ready.gone()
        attended.cancel_scope.cancel()
    return ending
