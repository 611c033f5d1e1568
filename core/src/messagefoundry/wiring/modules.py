"""Importing the modules of one configuration without leaving a trace in the interpreter.

Each load is a package of its own with a fresh name, so that a reload runs the code as it now stands on disk; nothing
is cached in files. While it lasts, a module may import its neighbours by name: `from _segments import tidy`.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import sys
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from messagefoundry.wiring.codesets import CARRIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from messagefoundry.wiring.codesets import CodeSet

_loads = itertools.count(1)
ENGINE = "messagefoundry"
PACKAGE = "messagefoundry_configuration_"


def without_package(text: str) -> str:
    """`text` as authors know their modules, who never see the package in which these are loaded."""
    return re.sub(rf"{PACKAGE}\d+", "the configuration", re.sub(rf"{PACKAGE}\d+\.", "", text))


class Package:
    """The modules of one directory while they load, and the code sets that they are to carry.

    `texts` gathers the string literals of their source.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = f"{PACKAGE}{next(_loads)}"
        self.texts: list[str] = []
        self.code_sets: Mapping[str, CodeSet] = {}
        self.failures: dict[str, BaseException] = {}

    def load(self, stem: str) -> ModuleType:
        """Import one module of the directory; raises whatever its code raises."""
        return importlib.import_module(f"{self.name}.{stem}")


@contextmanager
def importing(directory: Path) -> Iterator[Package]:
    """Make the modules of a directory importable in the block; afterwards the interpreter is as it was before."""
    package = Package(directory)
    finder = _Finder(package)
    before = dict(sys.modules)
    for name in [name for name in before if finder.is_neighbour(name.partition(".")[0])]:
        del sys.modules[name]
    sys.modules[package.name] = _package_module(package)
    sys.meta_path.insert(0, finder)
    try:
        yield package
    finally:
        sys.meta_path.remove(finder)
        _forget(package, finder, before)


def _package_module(package: Package) -> ModuleType:
    module = ModuleType(package.name)
    module.__path__ = [str(package.directory)]
    return module


def _forget(package: Package, finder: _Finder, before: dict[str, ModuleType]) -> None:
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top == package.name or finder.is_neighbour(top):
            del sys.modules[name]
    for name, module in before.items():
        if finder.is_neighbour(name.partition(".")[0]):
            sys.modules[name] = module


class _Finder(MetaPathFinder):
    """Finds `<package>.<module>` in the directory, and a bare `<module>` of an author's import as the same module."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.neighbours = frozenset(_importable(package.directory)) - sys.stdlib_module_names - {ENGINE}

    def is_neighbour(self, name: str) -> bool:
        return name in self.neighbours

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top == self.package.name and path is not None:
            return self._in_folder(fullname, Path(path[0]))
        if top in self.neighbours:
            return spec_from_loader(fullname, _Alias(f"{self.package.name}.{fullname}"))
        return None

    def _in_folder(self, fullname: str, folder: Path) -> ModuleSpec | None:
        stem = fullname.rpartition(".")[2]
        for file in (folder / f"{stem}.py", folder / stem / "__init__.py"):
            if file.is_file():
                return spec_from_file_location(fullname, file, loader=_Source(fullname, str(file), self.package))
        return None


def _importable(directory: Path) -> Iterator[str]:
    for entry in directory.iterdir():
        if entry.suffix == ".py":
            yield entry.stem
        elif (entry / "__init__.py").is_file():
            yield entry.name


class _Source(SourceFileLoader):
    """Compiles from source at every load: a cached file may be stale within one tick of the file system's clock.

    A module that failed is not run again for its neighbours: what it declared must not be declared twice.
    """

    def __init__(self, fullname: str, path: str, package: Package) -> None:
        super().__init__(fullname, path)
        self.package = package

    def get_code(self, fullname: str) -> CodeType:
        tree = ast.parse(self.get_data(self.path), self.path)
        self.package.texts += _texts(tree)
        return compile(tree, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        failure = self.package.failures.get(self.path)
        if failure is not None:
            raise failure
        setattr(module, CARRIED, self.package.code_sets)
        try:
            super().exec_module(module)
        except BaseException as error:
            self.package.failures[self.path] = error
            raise


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


class _Alias(Loader):
    """Gives a module that is known under its full name already."""

    def __init__(self, fullname: str) -> None:
        self.fullname = fullname
        self.own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.fullname)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own_spec
