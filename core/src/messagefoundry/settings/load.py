"""Reading the settings: file < environment < command line, every problem at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.sentences import what_it_must_be, why_no_toml
from messagefoundry.settings.judge import PREFIX, Judged, Layer, judge_environment, judge_file
from messagefoundry.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_FILE = "messagefoundry.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, what users are warned of, and the file that was read, None when there is none."""

    settings: Settings
    warnings: tuple[Problem, ...]
    file: Path | None


def load_settings(
    file: Path | str | None = None,
    *,
    environ: Mapping[str, str],
    command_line: Mapping[str, Mapping[str, Any]] | None = None,
) -> Loaded:
    """Read `file` (by default `messagefoundry.toml` of the working directory, if it is there) and what overrides it.

    `command_line` has values by section and key; None is "not given". Raises ConfigurationError with every problem.
    """
    path = Path(file or DEFAULT_FILE).absolute()
    present = file is not None or path.exists()
    text, table = _read(path) if present else ("", {})
    document = Document(str(path), text)
    from_file = judge_file(table, document.place)
    from_environment = judge_environment(environ)
    given = _given(command_line or {})
    settings = _validated(given, from_environment, from_file, document)
    warnings = (*from_file.warnings, *from_environment.warnings)
    return Loaded(settings, warnings, path if present else None)


def _read(path: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        text = path.read_text("utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror}", "name the file with --service-config", str(path))
    except (ValueError, RecursionError) as error:
        problem = Problem(f"is not readable as TOML: {why_no_toml(error)}", "mend the file", str(path))
    raise ConfigurationError([problem])


def _given(command_line: Mapping[str, Mapping[str, Any]]) -> Layer:
    given = {
        section: {key: value for key, value in keys.items() if value is not None}
        for section, keys in command_line.items()
    }
    return {section: keys for section, keys in given.items() if keys}


class Document:
    """The text of the file, to tell people the line of what is wrong."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines = text.splitlines()

    def place(self, section: str, key: str) -> tuple[str, int]:
        """The file, and the line at which a key stands; line 0 when it is written in an unusual way."""
        current = ""
        for number, line in enumerate(self._lines, start=1):
            header = re.match(r"\s*\[+\s*([\w.-]+)\s*\]", line)
            if header:
                current = header[1]
            if current == section and (not key or re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line)):
                return self.file, number
            if header and section and current == f"{section}.{key}":
                return self.file, number
        return self.file, 0


def _validated(given: Layer, environment: Judged, file: Judged, document: Document) -> Settings:
    problems = [*file.problems, *environment.problems]
    try:
        settings = _layered(given, environment.layer, file.layer)
    except ValidationError as error:
        problems += _problems(error, given, environment.layer, document)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _layered(*layers: Layer) -> Settings:
    """One Settings from sources, the strongest first."""

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: object, **__: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, layer) for layer in layers)

    return Layered()


def _problems(error: ValidationError, given: Layer, environment: Layer, document: Document) -> Iterator[Problem]:
    for found in error.errors(include_url=False, include_input=False):
        section, key = (*map(str, found["loc"]), "", "")[:2]
        text = what_it_must_be(found["type"], dict(found))
        if key in given.get(section, {}):
            yield Problem(text, "give another value on the command line", name=f"[{section}] {key}")
        elif key in environment.get(section, {}):
            variable = f"{PREFIX}{section}_{key}".upper()
            yield Problem(text, f"set {variable} to another value", name=variable)
        else:
            file, line = document.place(section, key)
            yield Problem(text, "write another value", file, line, f"[{section}] {key}")
