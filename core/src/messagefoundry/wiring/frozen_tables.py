"""What code sets and reference sets are to Handlers: tables that are looked up by code and cannot be changed."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any, ClassVar, NoReturn


class Row(dict[str, Any]):
    """The values of one code, by column. It cannot be changed: all Handlers share it."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_words: object) -> NoReturn:
        raise TypeError("what is looked up cannot be changed: take dict(row) and change that")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Row], tuple[dict[str, Any]]]:
        return Row, (dict(self),)


class FrozenTable(Mapping[str, Any]):
    """A read-only table by code. `says` is what it is called in sentences, `holds` what it has many of."""

    __slots__ = ("_values", "name")
    says: ClassVar[str]
    holds: ClassVar[str]

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self.name = name
        self._values: dict[Any, Any] = {
            code: Row(value) if isinstance(value, dict) else value for code, value in values.items()
        }

    def __getitem__(self, code: str) -> Any:
        try:
            return self._values[code]
        except KeyError:
            raise KeyError(f"the {self.says} {self.name!r} does not have this code") from None

    def get(self, code: object, default: Any = None) -> Any:
        """The value of `code`, `default` for one that is not there, as None is not: a field may be absent."""
        return self._values.get(code, default)

    def items(self) -> ItemsView[str, Any]:
        """Codes with their values, in the order of the source."""
        return self._values.items()

    def __contains__(self, code: object) -> bool:
        return code in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {len(self)} {self.holds})"
