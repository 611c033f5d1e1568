"""`connections.toml`: Connections as data, declared through the same checks as the calls in Python."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from messagefoundry.contracts.errors import ConfigurationError, Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.sentences import why_no_toml
from messagefoundry.contracts.transport import Transport
from messagefoundry.wiring.code_tables import line_in
from messagefoundry.wiring.environment import CASTS, KEY, MISSING, EnvReference
from messagefoundry.wiring.graph import Place
from messagefoundry.wiring.recording import Declaration
from messagefoundry.wiring.toml_lines import Entry, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from messagefoundry.wiring.recording import Recording

FILE = "connections.toml"
Kind = Literal["inbound", "outbound"]
KINDS: tuple[Kind, ...] = ("inbound", "outbound")
OWN = ("name", "transport", "settings")
"""Keys of a table that are no keywords of the factory."""
TABLES = frozenset({"metadata", "retry", "buildup", "stall", "batch", "dedupe", "schedule"})
"""Keywords that are tables themselves, where `env` may be a key like any other."""
TYPES = {name: cast for cast, name in CASTS.items()}
REFERENCE = ("env", "cast", "default")
_AT = re.compile(r" \(at line .*\)\Z")


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a file of Connections and what it says."""

    file: str
    text: str
    tables: Mapping[str, Any]
    lines: Lines

    def entries(self) -> Iterator[tuple[Kind, int, Mapping[str, Any]]]:
        """Kind, number among those of its kind, and table of each Connection, in the order of the file."""
        found = [
            (kind, number, table)
            for kind in KINDS
            for number, table in enumerate(_listed(self.tables.get(kind)))
            if isinstance(table, dict)
        ]
        yield from sorted(found, key=lambda each: self.lines.line(each[:2]))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def read_written(file: Path, text: str | None = None) -> Written:
    """The file, or `text` as what stands in it; one that does not exist is empty. Raises ConfigurationError."""
    if text is None:
        text = _text_of(file)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = _AT.sub("", why_no_toml(error))
        raise _refusal(f"is not readable as TOML: {why}", "mend the line", file, line_in(error)) from error
    return Written(str(file), text, tables, Lines.of(text))


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _refusal("is not UTF-8 text", "save the file in that encoding", file, line) from error
    except OSError as error:
        raise _refusal(f"cannot be read: {error.strerror}", "check its place and permissions", file) from error


def _refusal(text: str, mend: str, file: Path, line: int = 0) -> ConfigurationError:
    return ConfigurationError([Problem(text, mend, str(file), line)])


def declare_connections(file: Path, record: Recording, text: str | None = None) -> None:
    """Put down what a file of Connections declares, or `text` in its place, and what is wrong with it."""
    try:
        written = read_written(file, text)
    except ConfigurationError as refusal:
        record.failed = True
        record.problems += refusal.problems
        return
    for key, value in written.tables.items():
        _check_key(key, value, Place(str(file), written.lines.line((key,))), record)
    for kind, number, table in written.entries():
        entry = Entry(str(file), written.lines, (kind, number))
        record.connections.append(_Reading(kind, table, entry, record).declaration())


def _check_key(key: str, value: Any, place: Place, record: Recording) -> None:
    if key not in KINDS:
        mend = did_you_mean(key, KINDS) or "write [[inbound]] or [[outbound]]"
        record.problem(place, "", f"there is no table {key!r} in {FILE}", mend)
    elif not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        record.problem(place, "", f"each {key} Connection is a table of its own", f"begin each with [[{key}]]")


class _Reading:
    """One table on its way to a declaration."""

    def __init__(self, kind: Kind, table: Mapping[str, Any], entry: Entry, record: Recording) -> None:
        self.kind = kind
        self.table = table
        self.entry = entry
        self.record = record

    def declaration(self) -> Declaration:
        """The declaration that a call of the factory would have made."""
        options = {
            key: self._value(value, (key,), plain=key in TABLES) for key, value in self.table.items() if key not in OWN
        }
        name = self.table.get("name")
        return Declaration(self.kind, name, self._transport(), options, self.entry.place(), self.entry)

    def _transport(self) -> Transport | None:
        connector = self.table.get("transport")
        settings = self.table.get("settings", {})
        if not isinstance(settings, dict):
            self._put(
                ("settings",), "settings is the table of the connector's options", f"write [{self.kind}.settings]"
            )
            settings = {}
        if not isinstance(connector, str):
            return None
        options = {key: self._value(value, ("settings", key)) for key, value in settings.items()}
        place = self.entry.place("transport")
        return Transport(connector, options, place.file, place.line)

    def _value(self, value: Any, keys: tuple[str, ...], *, plain: bool = False) -> Any:
        """A value with its references as env() gives them; one that is `plain` is none itself."""
        if isinstance(value, list):
            return [self._value(each, keys) for each in value]
        if not isinstance(value, dict):
            return value
        if not plain and "env" in value:
            return self._reference(value, keys)
        return {key: self._value(each, (*keys, key)) for key, each in value.items()}

    def _reference(self, value: Mapping[str, Any], keys: tuple[str, ...]) -> EnvReference:
        for key in value:
            if key not in REFERENCE:
                self._put(keys, f"a value from the environment has no key {key!r}", did_you_mean(key, REFERENCE))
        key, cast = value["env"], value.get("cast")
        if not isinstance(key, str) or not KEY.match(key):
            self._put(keys, "a key of env is lower_snake_case", 'write it like { env = "acme_adt_host" }')
        if cast is not None and cast not in list(TYPES):
            self._put(keys, f"cast is one of {', '.join(TYPES)}", "use one of these, or none")
        kind = TYPES.get(cast) if isinstance(cast, str) else None
        return EnvReference(key, value.get("default", MISSING), kind, self.entry.place(*keys))

    def _put(self, keys: tuple[str, ...], text: str, mend: str) -> None:
        name = self.table.get("name")
        self.record.problem(self.entry.place(*keys), name if isinstance(name, str) else "", text, mend)
