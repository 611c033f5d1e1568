"""The values behind `env()`: `environments/<environment>.toml`, overlaid by `MEFOR_VALUE_<KEY>`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.sentences import why_no_toml
from messagefoundry.wiring.environment import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "MEFOR_VALUE_"


def read_values(path: Path | None, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The values of one environment and what is wrong with its file. A file that does not exist is an empty one.

    Raises ConfigurationError for a file that cannot be read at all: what it lacks is not known then.
    """
    values, problems = _read_file(path) if path is not None else ({}, [])
    for variable, value in environ.items():
        if variable.startswith(PREFIX):
            values[variable.removeprefix(PREFIX).lower()] = value
    return values, problems


def beside(directory: Path, path: Path) -> str:
    """The mend where the file `path` of an environment is not there, but one beside the configuration is; "" else."""
    folder = directory.absolute().parent
    if path.exists() or not (folder / path.parent.name / path.name).exists():
        return ""
    return f"or run this in {folder}, or give --project-root {folder}, where {path.parent.name}/ is"


def _read_file(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}, []
    except (ValueError, RecursionError) as error:
        problem = Problem(f"is not readable as TOML: {why_no_toml(error)}", "mend the file", str(path))
        raise ConfigurationError([problem]) from error
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror}", "check its place and permissions", str(path))
        raise ConfigurationError([problem]) from error
    problems = [problem for key, value in table.items() for problem in _entry_problems(path, key, value)]
    return {key: value for key, value in table.items() if not isinstance(value, dict)}, problems


def _entry_problems(path: Path, key: str, value: object) -> list[Problem]:
    if isinstance(value, dict):
        return [Problem("is a table, but the file is flat", "write key = value lines alone", str(path), 0, f"[{key}]")]
    if not KEY.match(key):
        return [Problem("keys are lower_snake_case", "write it like acme_adt_host", str(path), 0, key)]
    return []
