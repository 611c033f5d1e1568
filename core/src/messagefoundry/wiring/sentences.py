"""pydantic's findings about a connector's options as sentences. A value is never shown: it may be a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.sentences import what_it_must_be

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import ValidationError


def sentences(
    error: ValidationError, subject: str, known: Iterable[str], sources: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """(option, sentence, mend) for each finding. `sources` names the env() references behind options."""
    known = tuple(known)
    for found in error.errors(include_url=False, include_input=False):
        option = str(found["loc"][0]) if found["loc"] else ""
        yield option, *_sentence(found["type"], option, dict(found), subject, known, sources.get(option, ""))


def _sentence(
    kind: str, option: str, found: Mapping[str, Any], subject: str, known: tuple[str, ...], source: str
) -> tuple[str, str]:
    if option.startswith("positional argument"):
        return f"the options of {subject} are given by keyword", f"write {subject}({known[0]}=...)" if known else ""
    if kind == "extra_forbidden":
        return f"{subject} has no option {option!r}", did_you_mean(option, known)
    if kind == "missing":
        return f"{subject} needs the option {option!r}", f"add {option}=..."
    rest = what_it_must_be(kind, found)
    if not option:
        return f"{subject}: {rest}", ""
    return f"option {option!r} of {subject}{source} {rest}", ""
