"""What became of each part of a channel: for people, for programs, and as a page to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from messagefoundry.importing.pytext import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Outcome(StrEnum):
    """What became of a part, the more urgent the later."""

    TRANSLATED = "translated"
    LEFT_OUT = "left out"
    DIFFERS = "different"
    NOT_TRANSLATED = "not translated"


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a channel. `place` is the connector, `part` what of it, `why` the reason or the difference."""

    outcome: Outcome
    place: str
    part: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry for programs."""
        return {"outcome": str(self.outcome), "place": self.place, "part": self.part, "why": self.why or None}


@dataclass(slots=True)
class Report:
    """The entries of one channel, in its own order. `channel` is its name and `module` the file's."""

    channel: str
    version: str
    module: str = ""
    entries: list[Entry] = field(default_factory=list)

    def add(self, outcome: Outcome, place: str, part: str, why: str = "") -> None:
        """Put down one part; the same twice counts once."""
        entry = Entry(outcome, on_one_line(place), on_one_line(part), on_one_line(why))
        if entry not in self.entries or outcome is Outcome.TRANSLATED:
            self.entries.append(entry)

    def of(self, outcome: Outcome) -> list[Entry]:
        """The entries with one outcome."""
        return [entry for entry in self.entries if entry.outcome is outcome]

    @property
    def summary(self) -> str:
        """How many there are of each outcome."""
        counts = Counter(entry.outcome for entry in self.entries)
        return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]) or "nothing in it"

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "channel": self.channel,
            "version": self.version,
            "module": self.module,
            "entries": [entry.as_json() for entry in self.entries],
        }


_HEADINGS = {
    Outcome.NOT_TRANSLATED: ("Not translated", "The module keeps it as comments, and fails there until you write it."),
    Outcome.DIFFERS: ("Different", "Translated, but not the same in every case: decide whether that matters here."),
    Outcome.LEFT_OUT: ("Left out", "It has no counterpart."),
    Outcome.TRANSLATED: ("Translated", ""),
}

GENERAL = """\
## What holds for every channel

- A place without an index, such as `msg['PID']['PID.3']['PID.3.1']`, is the first segment of that name and the first
  repetition of the field. Where there are several, the channel read all of them at once as XML, and failed to write.
- Values are unescaped when they are read and escaped when they are written; scripts saw `\\T\\` as it stands.
- Destinations do not wait for each other, and each has a lane of its own.
- A message that the source connector filters ends FILTERED. It is stored and acknowledged all the same.
- Secrets are not copied. Set them as `MEFOR_VALUE_<KEY>`.
"""


def page(source: str, reports: Sequence[Report]) -> str:
    """The page in Markdown."""
    parts = [f"# Import of {_plain(source)}\n"]
    for report in reports:
        parts.append(f"## {_plain(report.channel)}\n\nVersion {_plain(report.version)}, now `{report.module}`.\n")
        parts += [_section(outcome, entries) for outcome in reversed(Outcome) if (entries := report.of(outcome))]
    return "\n".join([*parts, GENERAL])


def _section(outcome: Outcome, entries: Iterable[Entry]) -> str:
    title, sentence = _HEADINGS[outcome]
    lead = f"{sentence}\n\n" if sentence else ""
    rows = "".join(f"| {_cell(each.place)} | {_cell(each.part)} | {_cell(each.why)} |\n" for each in entries)
    return f"### {title}\n\n{lead}| where | what | why |\n|---|---|---|\n{rows}"


def _plain(text: str) -> str:
    return on_one_line(text).replace("`", "'")


def _cell(text: str) -> str:
    """A cell of a table; what Markdown or HTML would read as its own is written so that it shows."""
    shown = on_one_line(text).replace("\\", "\\\\")
    for char in "|<>`*_[]":
        shown = shown.replace(char, f"\\{char}")
    return shown
