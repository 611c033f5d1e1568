"""What authoring calls leave behind: nothing is judged while modules load, so that all problems come at once."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from messagefoundry.contracts.errors import Problem
from messagefoundry.wiring.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.wiring.codesets import CodeSet
    from messagefoundry.wiring.graph import Handler, Router
    from messagefoundry.wiring.toml_lines import Entry


@dataclass(frozen=True, slots=True)
class Declaration:
    """One call of inbound() or outbound(), or one table of connections.toml, as written.

    `options` are the keywords given, env() references included.
    """

    kind: Literal["inbound", "outbound"]
    name: Any
    spec: Any
    options: Mapping[str, Any]
    place: Place
    entry: Entry | None = None
    """The table of connections.toml that it is; None for a call."""

    def place_of(self, *keys: str) -> Place:
        """Where an option is written, as far as that is known."""
        return self.place if self.entry is None else self.entry.place(*keys)

    @property
    def label(self) -> str:
        """The name for people; empty for one that is no text."""
        return self.name if isinstance(self.name, str) else ""


@dataclass(frozen=True, slots=True)
class ReferenceDeclaration:
    """One call of Reference(), as written; `options` are those given, env() references included."""

    name: Any
    source: Any
    options: Mapping[str, Any]
    place: Place


@dataclass(slots=True)
class Recording:
    """Everything that the modules of one configuration declared, in order, and what already went wrong.

    `failed` tells that some module did not load to its end, so that a name may be missing for that reason alone.
    `mentions` counts how often each text is written in the modules' source; `captured` are the names with which they
    asked for code sets while they loaded.
    """

    connections: list[Declaration] = field(default_factory=list)
    routers: list[Router] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    references: list[ReferenceDeclaration] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: bool = False
    mentions: dict[str, int] = field(default_factory=dict)
    code_sets: Mapping[str, CodeSet] = field(default_factory=dict)
    captured: list[tuple[str, Place]] = field(default_factory=list)

    def problem(self, place: Place, name: str, text: str, mend: str = "") -> None:
        """Put down one problem with its place; the same one twice counts once."""
        problem = Problem(text, mend, place.file, place.line, name)
        if problem not in self.problems:
            self.problems.append(problem)


_active: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Collect what authoring calls declare inside the block."""
    record = Recording()
    token = _active.set(record)
    try:
        yield record
    finally:
        _active.reset(token)


def loading() -> Recording | None:
    """The recording in progress, if there is one."""
    return _active.get()


def active() -> Recording:
    """The recording in progress; outside of one, declarations go nowhere: a test may import an author's module."""
    return _active.get() or Recording()


def caller(depth: int = 1) -> Place:
    """The file and line that called the function that asks; `depth` counts further callers outwards."""
    frame = sys._getframe(depth + 1)
    return Place(frame.f_code.co_filename, frame.f_lineno)
