"""What `replay-diff` found, on a terminal: the summary first, then the kinds of change, then examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from messagefoundry.cli.output import Column, plural, show_table, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.cli.replay_findings import Changed, Findings, Line, Output
    from messagefoundry.comparing import Excerpt, Group, Tally

ONLY_BY_CHANCE = "differs between two runs of the candidate"


FEW = 10


def show(findings: Findings, limit: int | None) -> None:
    """Everything for people, with at most `limit` changed messages; None is a few, one for each kind of change."""
    for line in summary(findings):
        click.echo(line)
    groups = findings.tally.sorted_groups()
    if groups:
        click.echo()
        columns = (Column("MESSAGES", right=True), Column("TIMES", right=True), "TO", "WHAT CHANGES", "")
        show_table(columns, [_cells(each) for each in groups])
    for line in chance(findings.tally):
        click.echo(styled(line, fg="yellow"))
    examples = [each for each in findings.changed if each.first][:FEW] if limit is None else findings.changed[:limit]
    for each in examples:
        _show_one(each)
    more = findings.tally.changed - len(examples)
    if more and examples:
        click.echo(
            f"\n{plural(more, 'changed message')} more: --examples N shows more of them, --html FILE makes a page"
        )


def summary(findings: Findings) -> Iterator[str]:
    """How many messages did what."""
    tally = findings.tally
    than = "what was made of them then" if findings.against is None else f"what {findings.against} makes of them"
    yield f"{plural(tally.messages, 'message')} through {findings.candidate}, compared with {than}"
    yield f"{tally.unchanged:>10,} unchanged"
    yield styled(f"{tally.changed:>10,} changed", bold=tally.changed > 0, fg="yellow" if tally.changed else None)
    for count, words, colour in notable(tally):
        yield styled(f"{count:>10,}   {words}", fg=colour)
    for reason, count in tally.not_compared.items():
        yield f"{count:>10,} not compared: {reason}"
    if findings.ignored:
        yield f"ignored: {', '.join(findings.ignored)}"


def notable(tally: Tally) -> Iterator[tuple[int, str, str | None]]:
    """What a reader wants to know first of the changed messages: how many, what, and in which colour."""
    found: list[tuple[int, str, str | None]] = [
        (tally.now_failing, "now fail", "red"),
        (tally.now_sent, "now send something", "green"),
        (tally.nothing_sent, "no longer send anything", "red"),
        (tally.alone, f"only {ONLY_BY_CHANCE}", None),
    ]
    return ((count, words, colour) for count, words, colour in found if count)


def chance(tally: Tally) -> Iterator[str]:
    """A sentence for every place in which the candidate differs from itself."""
    for (to, path), count in sorted(tally.by_chance.items()):
        what = f"{path or 'what is sent'} to {to}" if to else "what becomes of a message"
        mend = f" or ignore it: --ignore {path}" if path else ""
        yield f"{what} {ONLY_BY_CHANCE} ({plural(count, 'message')}): make its Handler pure{mend}"


def _cells(group: Group) -> tuple[str | int, ...]:
    kind = group.kind
    return f"{group.messages:,}", f"{group.times:,}", kind.to, str(kind), ONLY_BY_CHANCE if group.by_chance else ""


def _show_one(each: Changed) -> None:
    click.echo()
    came = " ".join(filter(None, (each.inbound, each.message_type, each.control_id)))
    click.echo(f"{styled(each.title, bold=True)}  {came}")
    if each.before != each.after:
        click.echo(f"    {each.before} -> {styled(each.after, fg='red' if each.after == 'ERROR' else None)}")
    for error in each.errors:
        click.echo(f"    {styled('error', fg='red')} {error}")
    for output in each.outputs:
        _show_output(output)


def _show_output(output: Output) -> None:
    click.echo(f"    {output.handler} -> {output.to}: {output.what}")
    for line in output.lines:
        click.echo(f"        {_shown(line)}")
    if output.left_out:
        click.echo(f"        and {plural(output.left_out, 'change')} more")


def _shown(line: Line) -> str:
    text = " ".join(filter(None, (line.path, line.kind.what)))
    if line.before is None and line.after is None:
        return text
    return f"{text}: {_value(line.before)} -> {_value(line.after)}"


def _value(value: Excerpt | None) -> str:
    return "(not there)" if value is None else f"'{value}'"
