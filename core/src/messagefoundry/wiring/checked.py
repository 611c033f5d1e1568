"""Values that authors make for a declaration: a mistake in one is put down like any other, and its module goes on."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.sentences import what_it_must_be
from messagefoundry.wiring.environment import EnvReference
from messagefoundry.wiring.recording import caller, loading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Value = TypeVar("Value")
Mistake = tuple[type[Exception], str, str]
"""What it is raised as where no configuration loads, its sentence, and its mend."""


def checked_value(**stand_in: Any) -> Callable[[type[Value]], type[Value]]:
    """Give the dataclass below it sentences for whatever it is called with.

    While a configuration loads every mistake of a call is put down with its file and line, and the value is the one of
    `stand_in` instead, so that what comes after is checked too. Elsewhere the first is raised: ValueError for a
    field out of its range, TypeError for all else.
    """

    def decorate(kind: type[Value]) -> type[Value]:
        fill: Callable[..., None] = kind.__init__

        @functools.wraps(fill)
        def checked(self: Value, *args: Any, **options: Any) -> None:
            mistakes = [*_mistakes(kind, args, options)] or [*_filled(fill, self, args, options)]
            if mistakes:
                _put_down(mistakes)
                fill(self, **stand_in)

        kind.__init__ = checked  # type: ignore[method-assign, assignment]
        return kind

    return decorate


def _put_down(mistakes: Sequence[Mistake]) -> None:
    record = loading()
    if record is None:
        error, text, mend = mistakes[0]
        raise error(f"{text} ({mend})" if mend else text)
    for _, text, mend in mistakes:
        record.problem(caller(2), "", text, mend)


def _filled(
    fill: Callable[..., None], value: Any, args: Sequence[Any], options: Mapping[str, Any]
) -> Iterator[Mistake]:
    """Fill the value in; what its own check refuses."""
    try:
        fill(value, *args, **options)
    except ValueError as error:
        yield ValueError, f"{type(value).__name__}: {error}", ""


def _mistakes(kind: type[Any], args: Sequence[Any], options: Mapping[str, Any]) -> Iterator[Mistake]:
    """What the call of a class has too much, lacks, or has of the wrong type."""
    name, known = kind.__name__, inspect.signature(kind).parameters
    needed = [field for field, each in known.items() if each.default is each.empty]
    places = [field for field, each in known.items() if each.kind is not each.KEYWORD_ONLY]
    if len(args) > len(places):
        yield TypeError, f"the options of {name} are given by keyword", f"write {name}({[*needed, *known][0]}=...)"
        return
    given = dict(zip(places, args, strict=False))
    unknown = [option for option in options if option not in known]
    for option in options:
        if option in given:
            yield TypeError, f"option {option!r} of {name} is given twice", "leave one out"
    for option in unknown:
        yield TypeError, f"{name} has no option {option!r}", did_you_mean(option, known)
    given |= options
    for field in needed:
        if field not in given and not unknown:  # else the unknown one is likely to be meant for it
            yield TypeError, f"{name} needs the option {field!r}", f"add {field}=..."
    hints = get_type_hints(kind)
    for field, value in given.items():
        if field in known:
            yield from _of_wrong_type(f"option {field!r} of {name}", value, get_args(hints[field]) or (hints[field],))


def _of_wrong_type(option: str, value: Any, types: tuple[type[Any], ...]) -> Iterator[Mistake]:
    if isinstance(value, EnvReference):
        mend = "write the Connection in connections.toml, or choose the value with current_environment()"
        yield TypeError, f"{option} cannot be env()", mend
    elif not _is_one_of(value, types):
        asked = what_it_must_be({str: "string"}.get(types[0], types[0].__name__), {})
        yield TypeError, f"{option} {asked}{' or None' if type(None) in types else ''}", ""


def _is_one_of(value: Any, types: tuple[type[Any], ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) or (float in types and isinstance(value, int))
