"""Values that differ by deployment: keys of env() and what stands in environments/dev.toml for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.properties import is_variable
from messagefoundry.importing.pytext import Names, call, on_one_line, quoted

if TYPE_CHECKING:
    from messagefoundry.importing.pytext import Call


@dataclass(frozen=True, slots=True)
class Value:
    """A key with its value; None, with the reason, when the export has none."""

    key: str
    value: str | int | None
    why: str = ""

    def line(self) -> str:
        """The line of the file; a key without a value is a comment, so that validate asks for it."""
        if self.value is None:
            return f'# {self.key} = "" # {on_one_line(self.why)}'
        return f"{self.key} = {self.value if isinstance(self.value, int) else toml_text(self.value)}"


def toml_text(text: str) -> str:
    """A basic string of TOML 1.0: JSON's escapes are TOML's, DEL and the surrogates aside."""
    shown = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "".join("\\uFFFD" if "\ud800" <= char <= "\udfff" else char for char in shown)


@dataclass(slots=True)
class Values:
    """The values of one import, in order."""

    found: list[Value] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def text(self, key: str, said: str) -> Call:
        """An env() for text. A value with a variable of the server's in it is unknown here."""
        key = self.names.fresh(key)
        if not said or is_variable(said):
            self._miss(key, f"the channel has {said}" if said else "the channel has none")
        else:
            self.found.append(Value(key, said))
        return call("env", quoted(key))

    def port(self, key: str, said: str) -> Call:
        """An env() for a port."""
        key = self.names.fresh(key)
        if said.isascii() and said.isdigit() and len(said) <= 5 and int(said) <= 65_535:
            self.found.append(Value(key, int(said)))
        elif not said or is_variable(said):
            self._miss(key, f"the channel has {said}" if said else "the channel has none")
        else:
            raise Untranslatable(f"its port is {said!a}")
        return call("env", quoted(key), cast="int")

    def _miss(self, key: str, why: str) -> None:
        self.found.append(Value(key, None, why))
        self.unknown.append((key, why))
