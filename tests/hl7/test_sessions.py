"""Every public function shows in its docstring what it does, and does that."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

from messagefoundry import hl7

MODULES = [importlib.import_module(f"{hl7.__name__}.{found.name}") for found in pkgutil.iter_modules(hl7.__path__)]
FUNCTIONS = [value for name in hl7.__all__ if inspect.isfunction(value := getattr(hl7, name))]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_session_gives_what_it_shows(module: object) -> None:
    said: list[str] = []
    outcomes = [
        doctest.DocTestRunner().run(session, out=said.append)
        for session in doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)  # type: ignore[attr-defined]
    ]
    assert sum(outcome.attempted for outcome in outcomes) > 0
    assert sum(outcome.failed for outcome in outcomes) == 0, "".join(said)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_public_function_has_a_session(function: object) -> None:
    assert ">>> " in (inspect.getdoc(function) or "")


def test_all_that_a_module_offers_is_offered_by_the_package() -> None:
    offered = {
        name
        for module in MODULES
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
        and (inspect.isfunction(value) or inspect.isclass(value))
    }
    assert offered == set(hl7.__all__) - {"SET_ID_SEGMENTS"}
