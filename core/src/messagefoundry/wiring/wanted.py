"""What a configuration needs to have installed, found even where its modules do not load for want of it."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.contracts.transport import Transport
from messagefoundry.plugins.doctor import Wanted
from messagefoundry.plugins.offers import EXTRAS
from messagefoundry.wiring.environment import EnvReference, active_environment
from messagefoundry.wiring.loader import load_modules

if TYPE_CHECKING:
    from collections.abc import Iterator


def wanted_by(directory: Path | str, *, environment: str | None = None) -> Wanted:
    """The connectors and content types that the modules of `directory` name, installed or not.

    Modules that fail are read as far as they go; `validate` says why. Raises ConfigurationError for a directory that
    cannot be used at all.
    """
    path = Path(directory)
    with active_environment(environment):
        declared = load_modules(path).connections
    transports = [each.spec.connector for each in declared if isinstance(each.spec, Transport)]
    content_types = [each.options.get("content_type", "hl7v2") for each in declared if each.kind == "inbound"]
    return Wanted(
        frozenset({*transports, *_imported(path)}),
        frozenset(str(each) for each in content_types if isinstance(each, str)),
        strict=any(_may_be_true(each.options.get("strict")) for each in declared),
    )


def _may_be_true(value: object) -> bool:
    """Whether an option is on, or may be by the environment's value."""
    return isinstance(value, EnvReference) or bool(value)


def _imported(directory: Path) -> Iterator[str]:
    """Connectors that a module imports from `messagefoundry`: one that is absent stops it before it declares any."""
    for file in sorted(directory.glob("*.py")):
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.ImportFrom) and node.module == "messagefoundry":
                    yield from (alias.name for alias in node.names if alias.name in EXTRAS["connector"])
