"""Clauses of a contract, and the class through which a plugin's tests inherit them.

A clause is one small test with a sentence that says what it asks for. Every clause of a kit runs in a subclass unless
the subclass says, in `not_applicable`, why it has no meaning there; a clause that is overridden, removed, skipped or
expected to fail is a failure of the run.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest
import trio

from messagefoundry.contracts.errors import sole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

F = TypeVar("F", bound="Callable[..., Any]")

_MARK = "__conformance_clause__"


class Conformance:
    """What all kits share. A kit's own class says which fixtures it wants; `subject` is always one of them."""

    kind: ClassVar[str] = "plugin"
    """What is tested, for the summary: "outbound connector"."""
    patience: ClassVar[float] = 5.0
    """Seconds that an asynchronous clause may take. The waits of what is tested belong well below."""
    not_applicable: ClassVar[Mapping[str, str]] = {}
    """Clauses that have no meaning for what is tested, by name, each with the reason; the summary shows them."""


def clause(function: F) -> F:
    """Make a test a clause. An `async` one runs in trio and within the `patience` of its class."""
    marked: Any = pytest.mark.trio(_limited(function)) if inspect.iscoroutinefunction(function) else function
    setattr(marked, _MARK, True)
    made: F = marked
    return made


def _limited(function: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(function)
    async def limited(self: Conformance, *arguments: Any, **fixtures: Any) -> None:
        with trio.move_on_after(self.patience) as scope:
            try:
                await function(self, *arguments, **fixtures)
            except BaseExceptionGroup as group:
                raise sole(group) from None  # what a nursery wrapped, as it was raised
        if scope.cancelled_caught:
            pytest.fail(f"not within {self.patience:g} s", pytrace=False)

    return limited


def clauses(kit: type[Conformance]) -> dict[str, Callable[..., Any]]:
    """Every clause of a class by name, in the order written; of one that is overridden, the original."""
    found: dict[str, Callable[..., Any]] = {}
    for parent in reversed(kit.__mro__):
        for name, value in vars(parent).items():
            if getattr(value, _MARK, False):
                found.setdefault(name, value)
    return found


def sentence(function: Callable[..., Any]) -> str:
    """What a clause asks for, on one line."""
    return " ".join((inspect.getdoc(function) or "").split())


def violations(tests: type[Conformance]) -> Iterator[str]:
    """What a subclass does to its clauses and must not, each as a sentence with the way out."""
    known = clauses(tests)
    for name, reason in tests.not_applicable.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (do you mean {near[0]}?)" if near else ""
            yield f"not_applicable names {name}, which is no clause of this kit{hint}"
        elif not isinstance(reason, str) or not reason.strip():
            yield f"not_applicable gives no reason for {name}: say why it has no meaning here"
    for name, original in known.items():
        if name not in tests.not_applicable and getattr(tests, name, None) is not original:
            yield f"the clause {name} is {_what_became_of(tests, name)}: {_way_out(name)}"


def _what_became_of(tests: type[Conformance], name: str) -> str:
    return "overridden" if callable(getattr(tests, name, None)) else "removed"


def _way_out(name: str) -> str:
    return f'restore it, or declare not_applicable = {{"{name}": "why it has no meaning here"}}'
