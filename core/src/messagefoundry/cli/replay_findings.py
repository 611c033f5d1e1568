"""What `replay-diff` found, as its three reports show it: without values, unless they may be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from messagefoundry.cli.replay_cases import NotCompared
from messagefoundry.cli.times import iso
from messagefoundry.comparing import (
    Change,
    Excerpt,
    FieldChange,
    Kind,
    OutputDifference,
    SegmentAdded,
    SegmentRemoved,
    Tally,
    excerpts,
)
from messagefoundry.comparing.contents import excerpt
from messagefoundry.contracts.errors import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from messagefoundry.cli.replay_runs import Result

LINES = 100
"""How many changes of one output are listed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One change of an output. The values are None where they may not be seen, or where there is none."""

    kind: Kind
    path: str
    before: Excerpt | None = None
    after: Excerpt | None = None

    def as_json(self, *, show_phi: bool) -> dict[str, Any]:
        """The change for programs."""
        values = {"before": _text(self.before), "after": _text(self.after)} if show_phi else {}
        return {"path": self.path or None, "change": self.kind.what, **values}


def _text(value: Excerpt | None) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Output:
    """One output that differs; `left_out` counts the changes that are not among `lines`."""

    to: str
    handler: str
    what: str
    lines: tuple[Line, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Changed:
    """One changed message. `by_chance` has the kinds in which two runs of the candidate differ from each other."""

    label: str
    message_id: int
    received_at: int
    inbound: str
    control_id: str
    message_type: str
    before: str
    after: str
    errors: tuple[str, ...]
    outputs: tuple[Output, ...]
    kinds: tuple[Kind, ...]
    by_chance: tuple[Kind, ...]
    first: bool
    """Whether it is the first example of a kind of change."""

    @property
    def title(self) -> str:
        """Which message it is, for people."""
        return f"message {self.message_id}" if self.message_id else on_one_line(self.label)

    def as_json(self, *, show_phi: bool) -> dict[str, Any]:
        """The message for programs."""
        return {
            "source": self.label,
            "id": self.message_id or None,
            "received_at": iso(self.received_at),
            "inbound": self.inbound,
            "control_id": self.control_id,
            "message_type": self.message_type,
            "before": self.before,
            "after": self.after,
            "errors": list(self.errors),
            "outputs": [
                {
                    "to": each.to,
                    "handler": each.handler,
                    "what": each.what,
                    "changes": [line.as_json(show_phi=show_phi) for line in each.lines],
                    "changes_left_out": each.left_out,
                }
                for each in self.outputs
            ],
            "differs_between_runs": [_place(kind) for kind in self.by_chance],
        }


def _place(kind: Kind) -> dict[str, str | None]:
    return {"to": kind.to or None, "path": kind.path or None, "change": kind.what}


@dataclass(slots=True)
class Findings:
    """Everything that was found. `limit` is how many changed messages are kept; `against` is None for history."""

    candidate: str
    against: str | None
    ignored: tuple[str, ...]
    show_phi: bool
    limit: int
    tally: Tally = field(default_factory=Tally)
    changed: list[Changed] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        """How many changed messages are not kept."""
        return self.tally.changed - len(self.changed)

    def add(self, result: Result | NotCompared) -> None:
        """Count one result, and keep it if it is among the first or shows something new."""
        if isinstance(result, NotCompared):
            self.tally.not_compared[result.reason] += 1
        elif not result.difference:
            self.tally.unchanged += 1
        else:
            first = self.tally.add(result.case.label, result.difference, result.by_chance)
            if first or len(self.changed) < self.limit:
                self.changed.append(changed(result, first=first, show_phi=self.show_phi))

    def as_json(self) -> dict[str, Any]:
        """Everything for programs."""
        return {
            "candidate": self.candidate,
            "against": self.against,
            "ignored": list(self.ignored),
            "summary": summary_facts(self.tally),
            "kinds": [
                {
                    **_place(each.kind),
                    "messages": each.messages,
                    "times": each.times,
                    "differs_between_runs": each.by_chance,
                    "examples": each.examples,
                }
                for each in self.tally.sorted_groups()
            ],
            "messages": [each.as_json(show_phi=self.show_phi) for each in self.changed],
            "messages_left_out": self.left_out,
        }


def summary_facts(tally: Tally) -> dict[str, Any]:
    """The numbers for programs."""
    return {
        "messages": tally.messages,
        "unchanged": tally.unchanged,
        "changed": tally.changed,
        "now_failing": tally.now_failing,
        "now_sent": tally.now_sent,
        "nothing_sent": tally.nothing_sent,
        "changed_between_runs_alone": tally.alone,
        "not_compared": dict(tally.not_compared),
    }


def changed(result: Result, *, first: bool, show_phi: bool) -> Changed:
    """One changed message, without values unless they may be seen."""
    case, difference = result.case, result.difference
    return Changed(
        case.label,
        case.message_id,
        case.received_at,
        case.inbound,
        case.control_id,
        case.message_type,
        difference.before,
        difference.after,
        difference.new_errors,
        tuple(_output(each, show_phi) for each in difference.outputs),
        tuple(difference.kinds()),
        tuple(sorted(result.by_chance)),
        first,
    )


def _output(output: OutputDifference, show_phi: bool) -> Output:
    lines = tuple(_lines(output.to, islice(output.changes, LINES), show_phi))
    return Output(output.to, output.handler, output.what, lines, len(output.changes) - len(lines))


def _lines(to: str, changes: Iterable[Change], show_phi: bool) -> Iterator[Line]:
    for change in changes:
        values = _values(change) if show_phi else (None, None)
        yield Line(change.kind(to), change.path, *values)


def _values(change: Change) -> tuple[Excerpt | None, Excerpt | None]:
    match change:
        case FieldChange(before=str(before), after=str(after)):
            old, new = excerpts(before, after)
            return _printable(old), _printable(new)
        case FieldChange(before=before, after=after):
            return _whole(before), _whole(after)
        case SegmentRemoved(line=line):
            return _whole(line), None
        case SegmentAdded(line=line):
            return None, _whole(line)
        case _:
            return None, None


def _whole(text: str | None) -> Excerpt | None:
    return None if text is None else _printable(excerpt(text, 0, len(text)))


def _printable(found: Excerpt) -> Excerpt:
    """Without control characters, which could do anything to a terminal or a page."""
    return Excerpt(on_one_line(found.head), on_one_line(found.differing), on_one_line(found.tail))
