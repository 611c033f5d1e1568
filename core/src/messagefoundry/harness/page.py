"""The page of figures: what stands between its markers is written here, from the record kept beside it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from .bars import BARS, Bar
from .machine import Machine
from .scenarios import SCENARIOS
from .table import headings, rows, title_of
from .verdict import Comparison, Figure

FILES = "sqlite"
"""the store of the page's main section"""
END = "<!-- end of figures -->"


class PageError(Exception):
    """The page has no place for figures; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that the page shows."""

    machine: Machine
    arguments: str
    """of `make bench`"""
    conditions: Mapping[str, Any]
    comparisons: Sequence[Comparison]
    faults: Sequence[str]
    store: str = FILES
    """whose section of the page it is"""

    @property
    def command(self) -> str:
        """Return what anybody can type to measure the same."""
        arguments = f' ARGS="{self.arguments}"' if self.arguments else ""
        return chore_of(self.store) + arguments

    def as_json(self) -> str:
        """Return the text of the file beside the page."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back."""
        content = json.loads(text)
        return cls(
            machine=Machine(**content["machine"]),
            arguments=content["arguments"],
            conditions=content["conditions"],
            comparisons=[_comparison(one) for one in content["comparisons"]],
            faults=content["faults"],
            store=content.get("store", FILES),
        )


def _comparison(content: dict[str, Any]) -> Comparison:
    figures = {name: Figure(**figure) for name, figure in content.pop("figures").items()}
    return Comparison(**content, figures=figures)


def chore_of(store: str) -> str:
    """Return the command that measures a store."""
    return "make bench" if store == FILES else f"make bench STORE={store}"


def begin_of(store: str = FILES) -> str:
    """Return the line after which a store's figures stand."""
    return f"<!-- figures: written by `{chore_of(store)}`, from the record beside this page -->"


def record_beside(page: Path, store: str = FILES) -> Path:
    """Return where the record of a page's section is kept."""
    return page.with_suffix(".json") if store == FILES else page.with_name(f"{page.stem}-{store}.json")


def write_page(page: Path, record: Record) -> None:
    """Put the figures of a record on the page, and the record beside it. Raises PageError, OSError."""
    text = with_figures(page.read_text(encoding="utf-8"), figures_block(record), record.store)
    record_beside(page, record.store).write_text(record.as_json(), encoding="utf-8")
    page.write_text(text, encoding="utf-8")


def with_figures(text: str, block: str, store: str = FILES) -> str:
    """Return a page's text with another block of figures for a store. Raises PageError when it has no markers."""
    begin = begin_of(store)
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(END)
    if not (found_begin and found_end):
        raise PageError(f"the page has no lines {begin} and {END} between which the figures could stand")
    return f"{head}{begin}\n\n{block}\n{END}{tail}"


def figures_block(record: Record, bars: Iterable[Bar] = BARS) -> str:
    """Return the figures as Markdown: the machine, then a table a comparison, by scenario."""
    bars = list(bars)
    parts = [_measured_on(record)]
    for name, comparisons in groupby(record.comparisons, key=lambda comparison: comparison.scenario):
        says = next(scenario.says for scenario in SCENARIOS if scenario.name == name)
        parts.append(f"### {name.capitalize()}\n\n{says}\n")
        parts += [_table(comparison, bars) for comparison in comparisons]
    parts += [f"FAILED: {fault}\n" for fault in record.faults]
    return "\n".join(parts)


def _measured_on(record: Record) -> str:
    machine, conditions = record.machine, record.conditions
    memory = f", {machine.memory_gb:g} GB" if machine.memory_gb else ""
    rows = {
        "date": machine.date,
        "processor": f"{machine.cpu}, {machine.cores} cores{memory}",
        "system": f"{machine.kernel}, stores on {machine.file_system}",
        "programs": f"{machine.python}, SQLite {machine.sqlite}, trio {machine.trio}",
        **({"database server": machine.server} if machine.server else {}),
        "load average at the start": "" if machine.load_average is None else f"{machine.load_average:.2f}",
        "a run": f"{conditions['warm_up']:g} s of warm-up, {conditions['seconds']:g} s of sending, the rest awaited",
        "command": f"`{record.command}`",
    }
    return "".join(["| | |\n|---|---|\n", *(f"| {name} | {value} |\n" for name, value in rows.items())])


def _table(comparison: Comparison, bars: Sequence[Bar]) -> str:
    names = headings(comparison)
    lines = [f"| {' | '.join(names)} |", f"|---|{'---:|' * (len(names) - 1)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in _cells(comparison, bars)]
    return "\n".join([f"{title_of(comparison).partition(': ')[2]}:\n", *lines, ""])


def _cells(comparison: Comparison, bars: Sequence[Bar]) -> Iterator[list[str]]:
    for cells, met in rows(comparison, bars):
        yield cells if met is not False else [*cells[:-1], f"{cells[-1]}, **missed**"]
