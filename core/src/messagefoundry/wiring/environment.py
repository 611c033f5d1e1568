"""Values that differ by deployment: `env("key")` in declarations, `current_environment()` in Routers and Handlers."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from messagefoundry.wiring.recording import active, caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from messagefoundry.wiring.place import Place

KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
CASTS: dict[object, str] = {int: "int", float: "float", bool: "bool", str: "str"}
MISSING: Any = ...


class UsedTooEarlyError(TypeError):
    """An `env()` reference was used as if it were its value."""


class EnvReference:
    """What `env()` gives: the key of a value that is filled in when the configuration is checked.

    Every use as a value raises, because it would mean the reference and not its value.
    """

    __slots__ = ("cast", "default", "key", "place")

    def __init__(self, key: Any, default: Any, cast: Any, place: Place) -> None:
        self.key = key
        self.default = default
        self.cast = cast
        self.place = place

    def __repr__(self) -> str:
        return f"env({self.key!r})"

    def _used(self, *_others: object) -> NoReturn:
        raise UsedTooEarlyError(
            f"{self!r} stands for a value that only the options of a Connection can have: give it to inbound(), "
            "outbound() or a connector as it is; in a Router or Handler use current_environment()"
        )

    __bool__ = __str__ = __int__ = __float__ = __index__ = __len__ = __iter__ = __bytes__ = _used
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getitem__ = __format__ = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __mod__ = __call__ = _used
    __hash__ = object.__hash__


def env(key: str, *, default: Any = ..., cast: Callable[[Any], Any] | None = None) -> Any:
    """The value of `key` in the active environment, for an option of a Connection.

    It is read from `environments/<environment>.toml`, or from the variable `MEFOR_VALUE_<KEY>`, which wins. `cast` is
    int, float, bool or str. A key that has neither a value nor a `default` keeps the configuration from loading.
    """
    place = caller()
    reference = EnvReference(key, default, cast, place)
    if not isinstance(key, str) or not KEY.match(key):
        active().problem(place, repr(reference), "a key of env() is lower_snake_case", "write it like 'acme_adt_host'")
    if cast is not None and cast not in CASTS:
        active().problem(place, repr(reference), "cast= is int, float, bool or str", "use one of these, or none")
    return reference


def casted(value: Any, cast: object) -> Any:
    """`value` turned into what `cast` asks for. Raises ValueError, without the value, when it cannot be."""
    if cast is bool and isinstance(value, str):
        folded = value.strip().lower()
        if folded not in _TRUE | _FALSE:
            raise ValueError("true or false")
        return folded in _TRUE
    if cast is int and isinstance(value, str | int):
        return _int(value)
    if cast is float and isinstance(value, str | int | float):
        return _float(value)
    if cast is str:
        return str(value)
    if cast is bool and isinstance(value, bool):
        return value
    raise ValueError(_KINDS[cast])


def _int(value: str | int) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(_KINDS[int]) from None


def _float(value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(_KINDS[float]) from None


_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_KINDS: dict[object, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}

_environment: ContextVar[str | None] = ContextVar("environment", default=None)


@contextmanager
def active_environment(name: str | None) -> Iterator[None]:
    """Make `name` what current_environment() gives in the block, in tasks started in it, and in their threads."""
    token = _environment.set(name)
    try:
        yield
    finally:
        _environment.reset(token)


def current_environment() -> str | None:
    """The name of the active environment, such as "prod"; None in a dry run."""
    return _environment.get()
