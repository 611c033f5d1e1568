"""`messagefoundry harness load`: offer an engine the load of a profile, and prove that nothing was lost."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import NotFine, WrongCall, finish
from messagefoundry.cli.harness_load_live import progress, show_report, show_verdict
from messagefoundry.cli.mllp_client import target_of
from messagefoundry.cli.output import show_json
from messagefoundry.cli.times import SECONDS
from messagefoundry.harness.baseline import BaselineError, changes, read_baseline, refuse_other_load
from messagefoundry.harness.conduct import BuiltIn, Target, Wanted, load_facts, run_profile
from messagefoundry.harness.profiles import PROFILES, profile_named
from messagefoundry.harness.subject import SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from messagefoundry.harness.baseline import Change
    from messagefoundry.harness.load_report import Report
    from messagefoundry.harness.profiles import Profile

API = "127.0.0.1:8765"
STANDARD_OUTPUT = Path("-")
TRANSFORMS = ("edit", "slow", "burning")
OBJECTIVES = {
    "ack-p99-ms": "ack_p99_ms",
    "end-to-end-p99-ms": "end_to_end_p99_ms",
    "error-share": "error_share",
    "drain-seconds": "drain_seconds",
}
BUILT_IN_ONLY = ("fanout", "transform", "transform_ms", "directory")
TARGET_ONLY = ("sink_ports", "api", "sink_host", "db")


class Lasting(click.ParamType[float]):
    """A duration: 90, 90s, 10m, 1h; in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        form = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip())
        if form is None or not float(form[1]):
            self.fail(f"{value!r} is no duration; write 90s, 10m or 1h", param, ctx)
        return float(form[1]) * SECONDS[form[2] or "s"]


class Objective(click.ParamType[tuple[str, float | None]]):
    """NAME=VALUE of an objective, or NAME=none."""

    name = "objective"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float | None]:
        """The field and its bound."""
        if isinstance(value, tuple):
            return value
        name, _, bound = str(value).partition("=")
        if name not in OBJECTIVES or not re.fullmatch(r"none|\d+(\.\d+)?", bound):
            self.fail(
                f"{value!r} is no objective; write one of {', '.join(OBJECTIVES)} and =NUMBER or =none", param, ctx
            )
        return OBJECTIVES[name], None if bound == "none" else float(bound)


@click.command("load", epilog="\n\n".join(f"{each.name}: {each.says}" for each in PROFILES))
@click.argument("name", metavar="PROFILE", type=click.Choice([each.name for each in PROFILES]))
@click.option("--duration", metavar="TIME", type=Lasting(), help="Sending time, such as 90s; phases in proportion.")
@click.option("--rate", metavar="N", type=click.FloatRange(0, min_open=True), help="Messages a second when measured.")
@click.option("--connections", metavar="N", type=click.IntRange(1, 2000), help="Sending connections.")
@click.option("--size", metavar="BYTES", type=click.IntRange(0, 50_000_000), default=0, help="Pad messages to so many.")
@click.option(
    "--correlator-capacity", metavar="N", type=click.IntRange(1), help="Messages on their way that are timed."
)
@click.option(
    "--objective", "objectives", metavar="NAME=VALUE", type=Objective(), multiple=True, help="Another bound; or =none."
)
@click.option(
    "--patience", metavar="S", type=click.FloatRange(0, min_open=True), default=15.0, show_default=True,
    help="Seconds without an arrival after which what is on its way counts as lost.",
)  # fmt: skip
@click.option("--target", metavar="HOST:PORT", help="A running engine's MLLP inbound.  [default: an engine of its own]")
@click.option(
    "--sink-port", "sink_ports", metavar="PORT", type=click.IntRange(1, 65535), multiple=True, help="It delivers here."
)
@click.option("--sink-host", metavar="HOST", help="Listen for deliveries here.  [default: 127.0.0.1]")
@click.option("--api", metavar="HOST:PORT", help=f"The running engine's HTTP API.  [default: {API}]")
@click.option("--db", metavar="FILE", type=options.FILE, help="The running engine's store, to watch it grow.")
@click.option("--fanout", metavar="N", type=click.IntRange(1, 50), help="Own engine: so many outbounds.")
@click.option("--transform", type=click.Choice(TRANSFORMS), help="Own engine: what Handlers do.  [default: edit]")
@click.option(
    "--transform-ms", metavar="MS", type=click.FloatRange(0, min_open=True), help="slow: CPU a message.  [default: 5]"
)
@click.option(
    "--dir", "directory", metavar="DIR", type=options.FILE, help="Own engine: its disk.  [default: temporary]"
)
@click.option(
    "--json", "json_file", metavar="[FILE]", type=options.FILE, is_flag=False, flag_value=str(STANDARD_OUTPUT),
    help="Print the report as JSON, or write it.",
)  # fmt: skip
@click.option("--csv", "csv_file", metavar="FILE", type=options.FILE, help="Write a row an interval.")
@click.option("--html", "html_file", metavar="FILE", type=options.FILE, help="Write one page with charts.")
@click.option("--baseline", metavar="FILE", type=options.FILE, help="Compare with an earlier JSON report.")
@click.option(
    "--tolerance",
    metavar="PCT",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Worse than that fails.",
)
def command(name: str, json_file: Path | None, baseline: Path | None, tolerance: float, **given: Any) -> None:
    """Run a load profile, and reconcile what was sent with what the engine read and wrote and the sink received.

    Without --target it starts an engine of its own on a fresh store. With it, the engine's outbounds must deliver to
    --sink-port, each to one of its own, every message to each; nobody else may send to that engine meanwhile.

    Exits 0 when nothing was lost, every objective is met and nothing is worse than the baseline; else 1.
    """
    refuse_mixture(given)
    profile = profile_wanted(name, given)
    against = against_wanted(profile, given)
    wanted = Wanted(profile=profile, size=given["size"], patience_seconds=given["patience"])
    earlier = earlier_report(baseline, load_facts(wanted, against))
    refuse_unwritable([file for file in (json_file, given["csv_file"], given["html_file"]) if file is not None])
    quiet = json_file == STANDARD_OUTPUT
    if not quiet:
        click.echo(f"{name}: {profile.seconds:g} s against {against.says}")
    try:
        with progress(profile, quiet=quiet) as show:
            report = run_profile(wanted, against, show)
    except SubjectError as error:
        raise NotFine(str(error)) from error
    changed = [] if earlier is None else list(changes(report, earlier, tolerance))
    worse = [each for each in changed if each.worse]
    write_files(report, changed, json_file, given["csv_file"], given["html_file"])
    if quiet:
        show_json(facts_of(report, changed))
    else:
        show_report(report, changed)
        show_verdict(report, worse)
    finish(1 if report.faults or worse else 0)


def refuse_mixture(given: Mapping[str, Any]) -> None:
    """Raise WrongCall for options of a running engine without one, or of our own with one."""
    target = given["target"] is not None
    wrong = [name for name in (BUILT_IN_ONLY if target else TARGET_ONLY) if given[name] not in (None, ())]
    if wrong:
        spelled = {"sink_ports": "sink-port", "directory": "dir"}.get(wrong[0], wrong[0].replace("_", "-"))
        raise WrongCall(f"--{spelled} {'is of no use with' if target else 'needs'} --target")
    if target and not given["sink_ports"]:
        raise WrongCall("--target needs --sink-port: where the engine's outbound delivers, to be received here")
    if given["transform_ms"] is not None and given["transform"] != "slow":
        raise WrongCall("--transform-ms needs --transform slow")


def profile_wanted(name: str, given: Mapping[str, Any]) -> Profile:
    """The profile with everything that was overridden."""
    profile = profile_named(name)
    if given["duration"] is not None:
        profile = profile.lasting(given["duration"])
    if given["rate"] is not None:
        if profile.closed:
            raise WrongCall(f"--rate is of no use with {name}: in a closed loop the engine decides")
        profile = profile.at_rate(given["rate"])
    if given["connections"] is not None:
        profile = replace(profile, connections=given["connections"])
    if given["correlator_capacity"] is not None:
        profile = replace(profile, correlator_capacity=given["correlator_capacity"])
    return replace(profile, objectives=replace(profile.objectives, **dict(given["objectives"])))


def against_wanted(profile: Profile, given: Mapping[str, Any]) -> Target | BuiltIn:
    """The engine to load."""
    if given["target"] is None:
        directory = given["directory"]
        if directory is not None and not directory.is_dir():
            raise WrongCall(f"{directory}: there is no such folder")
        return BuiltIn(
            fanout=given["fanout"] or profile.fanout,
            slow_seconds=(given["transform_ms"] or 5.0) / 1000 if given["transform"] == "slow" else 0.0,
            burning=given["transform"] == "burning",
            parent=directory,
        )
    host, port = target_of(given["target"])
    api_host, api_port = target_of(given["api"] or API)
    sink_host = given["sink_host"] or "127.0.0.1"
    return Target(
        host=host,
        port=port,
        api_host=api_host,
        api_port=api_port,
        sink_host=sink_host,
        sink_ports=given["sink_ports"],
        store=given["db"],
    )


def earlier_report(baseline: Path | None, load: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The report to compare with. Raises WrongCall when it cannot be compared."""
    if baseline is None:
        return None
    try:
        content = read_baseline(baseline)
        refuse_other_load(baseline, content, load)
    except BaselineError as error:
        raise WrongCall(str(error)) from None
    return content


def refuse_unwritable(paths: Sequence[Path]) -> None:
    """Raise WrongCall for a file whose folder is not there: it is wanted only after the run."""
    for path in paths:
        if path != STANDARD_OUTPUT and (path.is_dir() or not path.parent.is_dir()):
            raise WrongCall(f"{path}: cannot be written: name a file in a folder that is there")


def facts_of(report: Report, changed: Sequence[Change]) -> dict[str, Any]:
    """The report for programs, with what has changed."""
    facts = report.facts()
    passed = facts["passed"] and not any(each.worse for each in changed)
    return {**facts, "passed": passed, "baseline": [each.facts() for each in changed]}


def write_files(
    report: Report, changed: Sequence[Change], json_file: Path | None, csv_file: Path | None, html_file: Path | None
) -> None:
    """Write what was asked for."""
    from messagefoundry.cli.harness_load_page import page

    if json_file is not None and json_file != STANDARD_OUTPUT:
        write(json_file, json.dumps(facts_of(report, changed), indent=1) + "\n")
    if csv_file is not None:
        write(csv_file, report.as_csv())
    if html_file is not None:
        write(html_file, page(report, changed))


def write(path: Path, text: str) -> None:
    """Write one report. Raises NotFine."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotFine(f"{path}: cannot be written: {error.strerror}") from error
