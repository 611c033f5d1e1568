"""Reference sets for dry runs, without an engine: read from their sources there and then, if that calls nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.errors import Problem, SourceUnreadable
from messagefoundry.wiring.reference_content import content_of, values_of
from messagefoundry.wiring.reference_sets import ReferenceSet, UnsyncedReferenceError, unknown
from messagefoundry.wiring.running import NoServices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.wiring.graph import DeclaredReference, Graph


class DirectReferences(NoServices):
    """What messages of a dry run may ask for: the sets of one graph, each read when it is first asked for."""

    def __init__(self, graph: Graph) -> None:
        self._declared = graph.references
        self._read: dict[str, ReferenceSet | UnsyncedReferenceError] = {}

    def reference(self, name: str) -> ReferenceSet:
        """The set of this name. Raises LookupError when there is none, or when it cannot be read here."""
        if name not in self._declared:
            raise unknown(name, self._declared)
        if name not in self._read:
            self._read[name] = direct(self._declared[name])
        found = self._read[name]
        if isinstance(found, UnsyncedReferenceError):
            raise found.with_traceback(None)
        return found


def unreadable(graph: Graph) -> Iterator[Problem]:
    """A warning for each set that cannot be read where it comes from, of those whose source calls nobody."""
    for declared in graph.references.values():
        try:
            if declared.settings.local:
                content_of(declared.read())
        except SourceUnreadable as error:
            place = declared.place
            yield Problem(f"nothing can be looked up in it: {error}", "", place.file, place.line, declared.name)


def direct(declared: DeclaredReference) -> ReferenceSet | UnsyncedReferenceError:
    """The set as its source has it now, or why it is not to be had."""
    name = declared.name
    if not declared.settings.local:
        text = f"only a running engine reads the reference set {name!r}, from {declared.origin()}"
        return UnsyncedReferenceError(text)
    try:
        return ReferenceSet(name, values_of(content_of(declared.read())))
    except SourceUnreadable as error:
        return UnsyncedReferenceError(f"the reference set {name!r} cannot be read: {error}")
