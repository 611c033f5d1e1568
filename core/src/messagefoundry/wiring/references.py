"""Filling in the `env()` references of a declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.nearest import nearest
from messagefoundry.wiring.environment import CASTS, MISSING, EnvReference, casted
from messagefoundry.wiring.environments import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class UnresolvedError(Exception):
    """A reference has no usable value; `text` and `mend` say why and never show a value."""

    def __init__(self, text: str, mend: str) -> None:
        self.text = text
        self.mend = mend
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Environment:
    """The values of the active environment; `name` None in a dry run."""

    name: str | None
    values: Mapping[str, Any]
    path: str = ""

    def fill(self, value: Any) -> Any:
        """`value` with its references replaced, those inside lists, tuples and dicts too. Raises UnresolvedError."""
        if isinstance(value, EnvReference):
            return self._value_of(value)
        if isinstance(value, list | tuple):
            return type(value)([self.fill(each) for each in value]) if _mentions(value) else value
        if isinstance(value, dict):
            return {key: self.fill(each) for key, each in value.items()}
        return value

    def _value_of(self, reference: EnvReference) -> Any:
        if not isinstance(reference.key, str) or reference.key not in self.values:
            if reference.default is not MISSING:
                return reference.default
            raise UnresolvedError(*self._undefined(str(reference.key)))
        value = self.values[reference.key]
        if reference.cast is None or reference.cast not in CASTS:
            return value
        try:
            return casted(value, reference.cast)
        except ValueError as error:
            text = f"the value of env({reference.key!r}) must be {error}"
            raise UnresolvedError(text, self._place(reference.key)) from None

    def _undefined(self, key: str) -> tuple[str, str]:
        where = f"in the environment {self.name}" if self.name else "and no environment is chosen"
        like = nearest(key, self.values)
        hint = f"did you mean {like!r}? else " if like else "" if self.name else "choose one with --env, or "
        return f"env({key!r}) has no value {where}", f"{hint}{self._place(key)}"

    def _place(self, key: str) -> str:
        file = f"set {key} in {self.path} or " if self.path else "set "
        return f"{file}the variable {PREFIX}{key.upper()}"


def keys_in(value: Any) -> Iterator[str]:
    """The keys that a value refers to."""
    if isinstance(value, EnvReference):
        yield str(value.key)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from keys_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from keys_in(each)


def _mentions(value: Any) -> bool:
    return next(keys_in(value), None) is not None
