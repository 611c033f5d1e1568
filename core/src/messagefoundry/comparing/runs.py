"""What two runs made of one message, and how that differs."""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .changes import Change, Kind
from .ignoring import NOTHING, Ignoring
from .payloads import compare_payloads

NOW_SENT: Literal["now sent"] = "now sent"
NOT_SENT: Literal["no longer sent"] = "no longer sent"
CHANGED: Literal["changed"] = "changed"

_PASSING = re.compile(r":[0-9]+(?= in )|(?<=^refused on receipt).*")
"""What may differ between two errors that are the same: the line, which moves as a file is edited, or a reason."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One output: to which outbound, and by which Handler. `encoding` is that of a payload that names none itself."""

    to: str
    handler: str
    payload: bytes = field(repr=False)
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one message: its disposition, its outputs in order, and errors that are safe to show.

    An error names a class, a file with line, and a Router or Handler: never a value.
    """

    disposition: str
    sent: tuple[Sent, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """What happened to one output: it came, went, or changed."""

    to: str
    handler: str
    what: Literal["changed", "now sent", "no longer sent"]
    changes: tuple[Change, ...] = ()

    def kinds(self) -> Iterator[Kind]:
        """The kind of every change."""
        if self.what == CHANGED:
            for change in self.changes:
                yield change.kind(self.to)
        else:
            yield Kind(self.to, "", self.what)


@dataclass(frozen=True, slots=True)
class Difference:
    """How two runs differ; false when they do not. `sent_before` and `sent_after` tell whether anything was sent."""

    before: str
    after: str
    outputs: tuple[OutputDifference, ...] = ()
    new_errors: tuple[str, ...] = ()
    sent_before: bool = False
    sent_after: bool = False

    def __bool__(self) -> bool:
        return bool(self.before != self.after or self.outputs or self.new_errors)

    @property
    def now_failing(self) -> bool:
        """Whether the second run failed, and the first did not."""
        return self.after == "ERROR" != self.before

    @property
    def now_sent(self) -> bool:
        """Whether the second run sent something, and the first nothing."""
        return self.sent_after and not self.sent_before

    @property
    def nothing_sent(self) -> bool:
        """Whether the first run sent something, and the second nothing."""
        return self.sent_before and not self.sent_after

    def kinds(self) -> Counter[Kind]:
        """Every kind of change, and how often."""
        found: Counter[Kind] = Counter()
        if self.before != self.after:
            found[Kind("", "", f"{self.before} -> {self.after}")] += 1
        found.update(Kind("", "", error) for error in self.new_errors)
        for output in self.outputs:
            found.update(output.kinds())
        return found


def compare_runs(before: Run, after: Run, ignoring: Ignoring = NOTHING) -> Difference:
    """Compare disposition, errors and every output."""
    known = {_PASSING.sub("", error) for error in before.errors}
    return Difference(
        before.disposition,
        after.disposition,
        tuple(_outputs(before, after, ignoring)),
        tuple(error for error in after.errors if _PASSING.sub("", error) not in known),
        bool(before.sent),
        bool(after.sent),
    )


def _outputs(before: Run, after: Run, ignoring: Ignoring) -> Iterator[OutputDifference]:
    for old, new in paired(before.sent, after.sent):
        if new is None:
            assert old is not None
            yield OutputDifference(old.to, old.handler, NOT_SENT)
        elif old is None:
            yield OutputDifference(new.to, new.handler, NOW_SENT)
        elif old.payload != new.payload:
            encodings = (old.encoding, new.encoding)
            changes = compare_payloads(old.payload, new.payload, encodings=encodings, ignoring=ignoring)
            if changes:
                yield OutputDifference(new.to, new.handler, CHANGED, changes)


Pairs = list[tuple[Sent | None, Sent | None]]


def paired(before: Sequence[Sent], after: Sequence[Sent]) -> Pairs:
    """Each output with its counterpart, in the order of `before`, then what only `after` has.

    The n-th of a Handler to an outbound belongs to the n-th; what is left over, the n-th to the outbound.
    """
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for key in (_to_and_handler, _to):
        left: dict[object, deque[int]] = defaultdict(deque)
        for index, sent in enumerate(after):
            if index not in taken:
                left[key(sent)].append(index)
        for index, sent in enumerate(before):
            if index not in partner and left[key(sent)]:
                partner[index] = left[key(sent)].popleft()
        taken.update(partner.values())
    pairs: Pairs = [(old, after[partner[index]] if index in partner else None) for index, old in enumerate(before)]
    return pairs + [(None, new) for index, new in enumerate(after) if index not in taken]


def _to_and_handler(sent: Sent) -> object:
    return sent.to, sent.handler


def _to(sent: Sent) -> object:
    return sent.to
