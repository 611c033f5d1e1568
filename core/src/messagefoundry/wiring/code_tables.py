"""The two formats of a code set, from text to values by code."""

from __future__ import annotations

import csv
import io
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.sentences import why_no_toml
from messagefoundry.wiring.toml_lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Table = tuple[dict[str, Any], list[Problem]]


def read_csv(text: str, file: str) -> Table:
    """A header and rows, the first column being the code.

    With one more column a code's value is the text there, with several a dict of them by header. Empty lines count for
    nothing; what is in a cell is taken as it is.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    rows = _rows(text, file, problems)
    header_line, header = next(rows, (1, []))
    problems += [] if problems else [Problem(*wrong, file, header_line) for wrong in _header_problems(header)]
    if problems:
        return {}, problems
    for line, cells in rows:
        wrong = _row_problem(cells, header, seen)
        if wrong is not None:
            problems.append(Problem(*wrong, file, line))
            continue
        seen[cells[0]] = line
        values[cells[0]] = cells[1] if len(header) == 2 else dict(zip(header[1:], cells[1:], strict=True))
    return values, problems


def _rows(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line that it begins on; a row that cannot be read is put down and ends them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"is not readable as CSV: {error}", "mend the row", file, line))


def _header_problems(header: list[str]) -> Iterator[tuple[str, str]]:
    if len(header) < 2:
        yield "needs a header with at least two columns: the code, then its value", "write a first line like code,value"
        return
    if not all(name.strip() for name in header):
        yield "a column has no name", "give every column of the first line one"
    for name, count in Counter(header).items():
        if count > 1 and name.strip():
            yield f"the column {name!r} is there {count} times", "give every column a name of its own"


def _row_problem(cells: list[str], header: list[str], seen: Mapping[str, int]) -> tuple[str, str] | None:
    if len(cells) != len(header):
        text = f"the row has {_cells(len(cells))}, the header {len(header)}"
        return text, "quote a cell that has a comma in it" if len(cells) > len(header) else "add what is missing"
    if not cells[0]:
        return "the row has no code in its first column", "give it one, or remove the row"
    if cells[0] in seen:
        return f"the row has the code of line {seen[cells[0]]} again", "keep one of the two"
    return None


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def read_toml(text: str, file: str) -> Table:
    """`code = value` for scalars, a table `[code]` for a dict of them."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, [Problem(f"is not readable as TOML: {why_no_toml(error)}", "mend the file", file, line_in(error))]
    lines = Lines.of(text)
    problems = []
    for code, value in table.items():
        cells = value if isinstance(value, dict) else {"": value}
        for name, cell in cells.items():
            if isinstance(cell, dict | list):
                path = (code, name) if name else (code,)
                problems.append(_nested(".".join(path), file, lines.line(path)))
    return table, problems


def _nested(name: str, file: str, line: int) -> Problem:
    text = "is a list or a table in a table, but a code's value is text, a number, true or false, or a table of these"
    return Problem(text, "write it flat", file, line, name)


def line_in(error: BaseException) -> int:
    """The line that tomllib says a file is wrong on; 0 when it does not."""
    before, _, after = str(error).partition("(at line ")
    return int(after.partition(",")[0]) if before and after[:1].isdigit() else 0


READERS: Mapping[str, Callable[[str, str], Table]] = {".csv": read_csv, ".toml": read_toml}
"""By the ending of a file's name."""
