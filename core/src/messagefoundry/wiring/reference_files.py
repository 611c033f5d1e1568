"""`FileRef`: a reference set from a file in the format of code sets, CSV or TOML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from messagefoundry.contracts.errors import Problem, SourceUnreadable, on_one_line
from messagefoundry.contracts.references import reference_source
from messagefoundry.contracts.settings import ReferenceSettings
from messagefoundry.wiring.code_tables import READERS
from messagefoundry.wiring.codesets import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNSEEN = ((re.compile(r"the column .* is there"), "a column is there"), (re.compile(r"as TOML: .*"), "as TOML"))
"""What sentences about code sets quote: a name of the header, which may be a row; a key of TOML, which is a code."""


class FileSettings(ReferenceSettings):
    """A CSV or TOML file in the format of code sets; a relative path starts at the configuration directory."""

    local: ClassVar[bool] = True
    path: Annotated[str, Field(min_length=1)]
    encoding: str = "utf-8"

    def place(self) -> str:
        """The file."""
        return self.path

    def problems(self) -> Iterator[tuple[str, str]]:
        """A file of another format, and a character set that Python does not know."""
        if Path(self.path).suffix.lower() not in READERS:
            yield "option 'path' names neither a .csv nor a .toml file", "rename the file after what it is"
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError):
            yield "option 'encoding' is no character set that Python knows", "write one like 'utf-8' or 'cp1252'"


FileRef = reference_source("FileRef", FileSettings)


class FileSource:
    """Reads the file anew each time."""

    def __init__(self, settings: FileSettings, directory: Path) -> None:
        self._settings = settings
        self._file = directory / settings.path

    def read(self) -> Mapping[str, Any]:
        """All rows of the file by code.

        Raises SourceUnreadable with the whole path and the first problem, which never shows a cell.
        """
        values, problems = read_table(self._file, self._settings.encoding)
        if not problems:
            return values
        raise SourceUnreadable(self._sentence(problems[0], len(problems) - 1))

    def _sentence(self, problem: Problem, more: int) -> str:
        place = f"{self._file}:{problem.line}" if problem.line else str(self._file)
        text = problem.text
        for quoting, plain in UNSEEN:
            text = quoting.sub(plain, text)
        others = f", and {more} more problem{'' if more == 1 else 's'}" if more else ""
        return on_one_line(f"{place}: {text}{others} ({problem.mend})")
