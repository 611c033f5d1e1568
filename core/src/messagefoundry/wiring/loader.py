"""Loading a configuration directory: its code sets, every `*.py` in it, and `connections.toml`.

Modules are taken in the order of their names, not recursively, `_*` and `.*` left out.
A module that raises is a problem with the author's file and line; the others are loaded all the same.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.nearest import did_you_mean, nearest
from messagefoundry.plugins import installed
from messagefoundry.plugins.offers import EXTRAS, RELEASED, NotInstalledError, offer, pip_line
from messagefoundry.wiring.codesets import read_code_sets
from messagefoundry.wiring.connections_file import FILE, declare_connections
from messagefoundry.wiring.graph import Place
from messagefoundry.wiring.modules import ENGINE, Package, importing, without_package
from messagefoundry.wiring.recording import Recording, recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def load_modules(directory: Path, connections: str | None = None) -> Recording:
    """Run a directory's modules, read its tables, and collect what all of them declare and what went wrong.

    `connections` is taken as what stands in connections.toml, to find out what it would do.

    Raises ConfigurationError, and runs nothing, for a directory that is not there, is empty, or that others may write.
    """
    directory = directory.absolute()
    file = directory / FILE
    stems = _stems(directory, alone=connections is None and not file.exists())
    _refuse_writable_by_others(directory)
    with recording() as record, importing(directory) as package:
        package.code_sets, unreadable = read_code_sets(directory)
        record.code_sets = package.code_sets
        record.problems += unreadable
        for stem in stems:
            _load(package, stem, record)
        declare_connections(file, record, connections)
    record.mentions = dict(Counter(package.texts))
    return record


def _stems(directory: Path, *, alone: bool) -> list[str]:
    """The modules' names; there must be one where they stand `alone`, without a file of Connections."""
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        raise _refusal(directory, what, "name the directory of your configuration with --config")
    stems = sorted(file.stem for file in directory.glob("*.py") if file.name[0] not in "_.")
    if alone and not stems:
        raise _refusal(directory, "has no module (*.py) to load", "messagefoundry init writes a first one")
    return stems


def _refusal(path: Path, text: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Problem(text, mend, str(path))])


def _refuse_writable_by_others(directory: Path) -> None:
    if os.name != "posix":
        return
    open_to_others = [path for path in _code(directory) if path.stat().st_mode & OTHERS_MAY_WRITE]
    if open_to_others:
        raise ConfigurationError([_open_to_others(path) for path in open_to_others])


def _open_to_others(path: Path) -> Problem:
    harm = "it says where messages go" if path.name == FILE else "its code runs as this one"
    return Problem(f"may be written by other users, and {harm}", f"chmod go-w '{path}'", str(path))


def _code(directory: Path) -> Iterator[Path]:
    yield directory
    for entry in sorted(directory.iterdir()):
        if (entry.suffix == ".py" or entry.name == FILE) and entry.exists():
            yield entry
        elif (entry / "__init__.py").is_file():
            yield from _code(entry)


def _load(package: Package, stem: str, record: Recording) -> None:
    try:
        _refuse_what_is_no_module(package.directory / f"{stem}.py")
        package.load(stem)
    except ConfigurationError as refusal:
        record.failed = True
        record.problems += refusal.problems
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an author's module may raise anything
        record.failed = True
        text, mend = _cause(error)
        record.problem(_place(error, package.directory, stem), "", text, mend)


def _refuse_what_is_no_module(file: Path) -> None:
    if "." in file.stem:
        raise _refusal(file, "cannot be imported: a module's name has no dot", "rename it")
    if not file.is_file():
        raise _refusal(file, "is not a file that can be read", "remove it")
    if file.stem == ENGINE:
        raise _refusal(file, "has the name of the engine, which no module could import beside it", "rename it")


def _place(error: BaseException, directory: Path, stem: str) -> Place:
    """The innermost line of the author's own code that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        return Place(error.filename, error.lineno or 0)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(directory):
            return Place(frame.filename, frame.lineno or 0)
    return Place(str(directory / f"{stem}.py"))


def _cause(error: BaseException) -> tuple[str, str]:
    """The sentence and the mend for what a module raised."""
    if isinstance(error, NotInstalledError):
        return error.problem.text, error.problem.mend
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}", "mend the line"
    if isinstance(error, ImportError):
        return f"{type(error).__name__}: {without_package(str(error))}", _import_mend(error)
    mend = _name_mend(error.name) if isinstance(error, NameError) and error.name else ""
    return f"the module stopped with {': '.join(filter(None, (type(error).__name__, _text(error))))}", mend


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a class of the author's may be unable to say what happened
        return ""


def _name_mend(name: str) -> str:
    """The import that an author forgot; "" for a name that is not the engine's."""
    offered = {*sys.modules[ENGINE].__all__, *EXTRAS["connector"], *installed().connectors}
    return f"from {ENGINE} import {name}" if name in offered else ""


def _connector_mend(name: str, known: Iterable[str]) -> str:
    """The nearest name that can be imported from the engine, with what keeps that from being imported."""
    here = installed()
    offered = {*known, *EXTRAS["connector"], *here.connectors}
    like = nearest(name, offered)
    absent = None if like is None or like in here.connectors else offer("connector", like, here.broken)
    mend = did_you_mean(name, offered)
    if absent is None:
        return mend
    return f"{mend} {': '.join(filter(None, (absent.text, absent.mend)))}"


def _import_mend(error: ImportError) -> str:
    wrong = re.match(r"cannot import name '(\w+)'", str(error))
    if wrong:
        known = dir(sys.modules.get(error.name or ""))
        return _connector_mend(wrong[1], known) if error.name == ENGINE else did_you_mean(wrong[1], known)
    package = (error.name or "").partition(".")[0]
    if package.startswith("messagefoundry_"):
        extra = package.removeprefix("messagefoundry_")
        return pip_line(extra) if extra in RELEASED else "it is not available in this release"
    if isinstance(error, ModuleNotFoundError) and package:
        return f"install what provides {package}, or mend the name"
    return ""
