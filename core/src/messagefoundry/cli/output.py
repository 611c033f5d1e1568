"""What commands print: tables for people, JSON for programs, the same facts in both.

On a terminal tables are drawn by rich. Elsewhere they are plain aligned columns without colour, and no name is ever cut
short: what `grep` reads must be whole.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. Numbers stand right; `style` is rich's, for terminals alone."""

    heading: str
    right: bool = False
    style: str = ""


WIDEST = 10_000
"""Characters of a line: a table wider than the terminal is wrapped by it, as no name may be cut or broken up."""

STYLES = {
    "running": "green",
    "PROCESSED": "green",
    "ERROR": "red",
    "REFUSED": "red",
    "failed": "bold red",
    "waiting": "yellow",
    "waiting to restart": "red",
    "stopped": "yellow",
    "waiting to retry": "yellow",
    "UNROUTED": "yellow",
    "dead": "red",
}
"""Words that stand out on a terminal, wherever they fill a cell."""


def on_terminal() -> bool:
    """Whether a person reads along."""
    return sys.stdout.isatty()


def show_json(facts: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False))


def show_line(facts: Any) -> None:
    """One JSON document on one line, for output that goes on."""
    click.echo(json.dumps(facts, ensure_ascii=False))


def show_table(columns: Sequence[Column | str], rows: Sequence[Sequence[Cell]], *, title: str = "") -> None:
    """A table; with no rows nothing at all."""
    described = [Column(each) if isinstance(each, str) else each for each in columns]
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not texts:
        return
    if on_terminal():
        _draw(described, texts, title)
    else:
        _align(described, texts, title)


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    headed = any(column.heading for column in columns)
    table = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_header=headed
    )
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        cells = zip(columns, row, strict=True)
        table.add_row(*(Text(cell, style=STYLES.get(cell, column.style)) for column, cell in cells))
    console = Console()
    needed = console.measure(table, options=console.options.update(width=WIDEST)).maximum
    Console(width=max(console.width, needed)).print(table)


def _align(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> None:
    headings = [column.heading for column in columns]
    widths = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
    if title:
        click.echo(title)
    for row in (headings, *rows):
        cells = zip(columns, row, widths, strict=True)
        aligned = (cell.rjust(width) if column.right else cell.ljust(width) for column, cell, width in cells)
        click.echo("  ".join(aligned).rstrip())


def styled(text: str, **style: Any) -> str:
    """`text` in colour on a terminal, as it is elsewhere."""
    return click.style(text, **style) if on_terminal() else text


def plural(count: int, noun: str) -> str:
    """ "1 message", "2 messages"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
