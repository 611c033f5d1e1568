"""The page of settings: what the model acts on, and what the catalogue knows beyond it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from messagefoundry.settings.catalogue import UNBUILT
from messagefoundry.settings.model import sections
from tools.reference.markdown import code, prose, table
from tools.reference.models import defaults, notes, takes

if TYPE_CHECKING:
    from pydantic import BaseModel

INTRODUCTION = """\
# Settings

`messagefoundry.toml`, section by section. Each key is also the variable `MEFOR_<SECTION>_<KEY>`. How file, variables
and command line play together: [Settings](../settings.md).

Values are in TOML's notation. A number that may be unset is unset by a variable that is empty or says `none`."""

UNBUILT_INTRODUCTION = """\
## Known and not acted on

Keys of the published settings that this release does not act on. Those that would protect something are refused unless
they ask for what holds anyway; the others are warned of. A secret in the file is warned of in any case."""


def page() -> str:
    """The text of the page."""
    parts = [INTRODUCTION, *(section(name, model) for name, model in sections().items())]
    return "\n\n".join([*parts, UNBUILT_INTRODUCTION, unbuilt()])


def section(name: str, model: type[BaseModel]) -> str:
    """One section: its sentence, and a row for each key."""
    given, kinds, said = defaults(model), takes(model), notes(model)
    rows = [(code(key), written(given[key]), in_toml(kinds[key]), said[key]) for key in model.model_fields]
    sentence = prose(model).partition(": ")[2]
    table_of_keys = table(("key", "default", "takes", ""), rows)
    return f"## {name}\n\n{sentence[:1].upper()}{sentence[1:]}\n\n{table_of_keys}"


def in_toml(words: str) -> str:
    """What a key takes, as TOML has it; None there is a key that is left out."""
    words = words.replace("`True`, `False`", "`true`, `false`").replace(" or `None`", "")
    return words.replace("`'", '`"').replace("'`", '"`')


def written(value: Any) -> str:
    """A default as TOML writes it."""
    return "not set" if value is None else code(json.dumps(value))


def unbuilt() -> str:
    """A row for each section: what is refused, and what is warned of."""
    rows = []
    for name in sorted({each.section for each in UNBUILT.values()}):
        own = [each for each in UNBUILT.values() if each.section == name]
        refused = ", ".join(code(each.key) for each in own if each.protective)
        warned = ", ".join(code(each.key) for each in own if not each.protective)
        rows.append((code(f"[{name}]"), refused, warned))
    return table(("section", "refused", "warned of"), rows)
