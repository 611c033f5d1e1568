"""What people write into messagefoundry.toml, into variables, and into files of values: right, nearly right, wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from messagefoundry.settings.catalogue import UNBUILT
from messagefoundry.settings.judge import VARIABLES
from messagefoundry.settings.model import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "hunter2"
"""Stands in values: what is said of them must not show it."""

KEYS = sorted({(section, key) for section, model in sections().items() for key in model.model_fields} | {*UNBUILT})
RIGHT: Mapping[tuple[str, str], tuple[object, ...]] = {
    ("store", "path"): ("a.db", "b/c.db"),
    ("store", "synchronous"): ("full", "normal"),
    ("api", "host"): ("127.0.0.1", "localhost"),
    ("api", "port"): (0, 8765, 65535),
    ("inbound", "bind_host"): ("127.0.0.1", "0.0.0.0"),
    ("delivery", "retry_max_attempts"): (1, 20),
    ("delivery", "retry_backoff_seconds"): (0, 1.5),
    ("delivery", "ordering"): ("fifo", "unordered"),
    ("pipeline", "unsettled"): (1, 1000),
    ("logging", "level"): ("info", "error"),
    ("logging", "format"): ("text", "json"),
    ("shadow", "simulate_all_egress"): (True, False),
    ("alerts", "realert_seconds"): (0, 60),
    ("engine", "data_dir"): (".", "data"),
    ("ai", "environment"): ("dev", "prod", "site-7"),
    ("ai", "data_class"): ("synthetic", "phi"),
    ("ai", "production"): (True, False),
}
"""Values that keys may have."""

names = st.sampled_from(["", "prot", "sqlite", "ai", "a b", 'q"', "é", "\u2028", "x" * 300]) | st.text(max_size=8)
scalars = (
    st.just(SECRET)
    | st.sampled_from(["", "full", "true", "none", "dev", "../x", "a\0b", "x" * 400, 0, -1, 2575, 10**30, 1e308])
    | st.text(max_size=10)
    | st.integers()
    | st.floats()
    | st.booleans()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, str, object]:
    """One key of a section with a value; any of the three may be wrong."""
    section, key = draw(st.sampled_from(KEYS) | st.sampled_from(list(RIGHT)))
    fate = draw(st.integers(0, 9))
    if fate < 5 and (section, key) in RIGHT:
        return section, key, draw(st.sampled_from(RIGHT[section, key]))
    if fate == 5:
        return section, draw(names), draw(values)
    if fate == 6:
        return draw(names), key, draw(values)
    return section, key, draw(values)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A file of settings in TOML."""
    table: dict[str, dict[str, object]] = {}
    for section, key, value in draw(st.lists(entries(), max_size=6)):
        table.setdefault(section, {})[key] = value
    outside = draw(st.dictionaries(names, values, max_size=1))
    flat = [f"{_text(key)} = {toml(value)}" for key, value in outside.items() if key not in table]
    for section, keys in table.items():
        flat += [f"[{_text(section)}]", *(f"{_text(key)} = {toml(value)}" for key, value in keys.items())]
    return "\n".join([*flat, ""])


fragments = st.sampled_from(
    [
        *("[", "]", "[store]", "\n", "=", "path", '"', "'''", "#", "1" * 5000, "[[a]]", "{", "2026-13-01", "\\ud800"),
        *("a.b", "[" * 400, "a=" + "[" * 2000, "0x", "inf", "nan", "\ufeff", "\0", "1e999", "a={" * 600),
    ]
)


@st.composite
def damaged_documents(draw: st.DrawFn) -> str:
    """A file of which a part is missing or overwritten; no secret is in it, for it might become a name."""
    text = draw(documents()).replace(SECRET, "hunter")
    begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:begin] + "".join(draw(st.lists(fragments, max_size=3))) + text[end:]


files = st.builds(str.encode, documents()) | st.builds(str.encode, damaged_documents()) | st.binary(max_size=40)
"""The bytes of a file of settings, or of values."""

variables = st.dictionaries(
    st.sampled_from([*VARIABLES, "MEFOR_STORE_PAHT", "MEFOR_", "MEFOR_DEBUG", "PATH", "MEFOR_VALUE_A", "MEFOR_VALUE_"]),
    (scalars.map(str) | st.sampled_from(["full", "1", "true", "none", "dev", " JSON "])).filter(
        lambda v: "\0" not in v
    ),
    max_size=5,
)
"""An environment of variables; a variable holds no NUL."""


def toml(value: object) -> str:
    """A value in TOML's notation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(str(key))} = {toml(each)}" for key, each in value.items()) + "}"
    return str(value)


def _text(text: str) -> str:
    return '"' + "".join(char if _stands(char) else f"\\U{ord(char):08x}" for char in text) + '"'


def _stands(character: str) -> bool:
    return character.isprintable() and character not in '"\\'
