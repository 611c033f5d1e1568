"""Names that configurations call: each call keeps its options as written and where that was, and checks nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
S = TypeVar("S", covariant=True)
U = TypeVar("U")


def authored(
    name: str, settings: Callable[P, S], use: Callable[[str, Mapping[str, Any], str, int], U]
) -> Callable[P, U]:
    """Make the name: it takes the keywords of `settings` and gives `use(name, options, file, line)`."""

    def factory(*args: P.args, **options: P.kwargs) -> U:
        frame = sys._getframe(1)
        given: dict[str, Any] = {f"positional argument {number}": value for number, value in enumerate(args, 1)}
        return use(name, {**given, **options}, frame.f_code.co_filename, frame.f_lineno)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = settings.__doc__
    return factory
