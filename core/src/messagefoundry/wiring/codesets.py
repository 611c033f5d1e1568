"""Code sets: tables of `codesets/*.csv` and `*.toml`, read with the configuration and frozen with its graph.

The modules of a configuration carry its code sets as a global of their own (`CARRIED`): a look-up while messages are
routed reads no file, needs no context, and gets what was loaded together with the code that asks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.code_tables import READERS
from messagefoundry.wiring.frozen_tables import FrozenTable
from messagefoundry.wiring.recording import Recording, caller, loading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = "codesets"
CARRIED = "__code_sets__"


class UnknownCodeSetError(LookupError):
    """There is no code set of this name."""


class CodeSet(FrozenTable):
    """A read-only table by code, from a file: a text or another scalar for each, or a Row for several columns."""

    __slots__ = ("file",)
    says = "code set"
    holds = "codes"

    def __init__(self, name: str, values: Mapping[str, Any], file: str = "") -> None:
        super().__init__(name, values)
        self.file = file


def code_set(name: str) -> CodeSet:
    """The code set `name`: `codesets/<name>.csv` or `.toml` in the configuration directory.

    At module level it is captured while the configuration loads; in a Router or Handler it is looked up there and
    then. A name that there is none of keeps the configuration from loading; one that is computed in a Router or
    Handler raises UnknownCodeSetError.
    """
    frame = sys._getframe(1)
    sets = _carried(frame)
    if sets is None:
        sets = _beside(frame)
    found, record = sets.get(name), loading()
    if record is not None:
        return _captured(name, found, sets, record)
    if found is None:
        raise UnknownCodeSetError(f"{no_such(name)} ({mend_for(name, sets)})")
    return found


def _captured(name: str, found: CodeSet | None, sets: Mapping[str, CodeSet], record: Recording) -> CodeSet:
    """What a module gets while it loads; one that is not there is put down."""
    place = caller(2)
    record.captured.append((name, place))
    if found is not None:
        return found
    record.problem(place, "", no_such(name), mend_for(name, sets))
    return CodeSet(name, {})


def no_such(name: object) -> str:
    """The sentence for a code set that is not there."""
    return f"there is no code set {name!r}"


def mend_for(name: object, known: Iterable[str]) -> str:
    """What to do about it."""
    like = did_you_mean(name, known) if isinstance(name, str) else ""
    return like or f"write {FOLDER}/{name}.csv in the configuration directory"


def _carried(frame: FrameType | None) -> Mapping[str, CodeSet] | None:
    """The code sets of the configuration whose code asks, through whatever library it asks."""
    while frame is not None:
        sets: Mapping[str, CodeSet] | None = frame.f_globals.get(CARRIED)
        if sets is not None:
            return sets
        frame = frame.f_back
    return None


def _beside(frame: FrameType) -> Mapping[str, CodeSet]:
    """Those beside a module that no configuration has loaded: a test of the author's imports it by itself."""
    sets, problems = read_code_sets(Path(frame.f_globals.get("__file__", "")).parent)
    if problems:
        raise ConfigurationError(problems)
    return sets


def read_code_sets(directory: Path) -> tuple[Mapping[str, CodeSet], list[Problem]]:
    """The code sets of a configuration directory by name, and all that is wrong with their files.

    A set whose file has problems is there with what could be read of it, so that its users are no problems too.
    """
    sets: dict[str, CodeSet] = {}
    problems: list[Problem] = []
    for file in _files(directory / FOLDER, problems):
        if file.stem in sets:
            text = f"the code set {file.stem!r} is in {Path(sets[file.stem].file).name} already"
            problems.append(Problem(text, "keep one of the two", str(file)))
            continue
        values, wrong = read_table(file)
        sets[file.stem] = CodeSet(file.stem, values, str(file))
        problems += wrong
    return MappingProxyType(sets), problems


def _files(folder: Path, problems: list[Problem]) -> list[Path]:
    if not folder.exists():
        return []
    try:
        return sorted(file for file in folder.iterdir() if file.name[0] not in "_." and file.suffix.lower() in READERS)
    except OSError as error:
        problems.append(Problem(f"cannot be read: {error.strerror}", "make it a folder of tables", str(folder)))
        return []


def read_table(file: Path, encoding: str = "utf-8") -> tuple[dict[str, Any], list[Problem]]:
    """The rows of a CSV or TOML file by code, with all that is wrong with it."""
    try:
        text = file.read_bytes().decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return {}, [Problem(f"is not {encoding.upper()} text", "save the file in that encoding", str(file), line)]
    except OSError as error:
        return {}, [Problem(f"cannot be read: {error.strerror}", "check its place and permissions", str(file))]
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        return {}, [Problem("is neither a .csv nor a .toml file", "rename it after what it is", str(file))]
    return reader(text, str(file))
