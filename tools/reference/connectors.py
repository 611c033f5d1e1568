"""The page of connectors: the options of every one that this repository's plugins register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.contracts.settings import ConnectorSettings, Direction, Surroundings
from messagefoundry.contracts.specs import ConnectorSpec, load
from messagefoundry.plugins import Registered, installed
from tools.projects import read_projects
from tools.reference.markdown import code, prose, table
from tools.reference.models import defaults, notes, takes

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """\
# Connectors

The options of the connectors that come with this repository, in the order of their plugins. Times are in seconds, sizes
in bytes. *in* and *out* say which Connections take an option; where nothing is said, both do."""

DIRECTIONS: dict[Direction, str] = {"inbound": "in", "outbound": "out"}


def page() -> str:
    """The text of the page."""
    ours = {project.name for project in read_projects()}
    found = [each for each in installed().connectors.values() if each.plugin.distribution in ours]
    return "\n\n".join([INTRODUCTION, *(described(each) for each in found)])


def described(registered: Registered[ConnectorSpec]) -> str:
    """One connector with its table of options."""
    spec, model = registered.spec, load(registered.spec.settings)
    rows = list(options(spec, model))
    heading = f"## {spec.name}\n\nIn `{registered.plugin.distribution}`."
    return f"{heading}\n\n{prose(model)}\n\n{table(('option', 'default', 'takes', 'for', ''), rows)}"


def options(spec: ConnectorSpec, model: type[ConnectorSettings]) -> Iterator[tuple[str, ...]]:
    """A row for each option."""
    given, kinds, said = defaults(model), takes(model), notes(model)
    for name in model.model_fields:
        default = code(repr(given[name])) if name in given else "needed"
        sides = [word for side, word in DIRECTIONS.items() if getattr(spec, side) and fits(model, name, side)]
        refused = unbuilt(model, name)
        note = "not supported yet: refused" if refused else said.get(name, "")
        yield code(name), default, kinds[name], sides[0] if len(sides) == 1 else "", note


def fits(model: type[ConnectorSettings], option: str, direction: Direction) -> bool:
    """Whether a connector's own checks let an option stand in this direction."""
    around = Surroundings(direction)
    mends = (mend for _, mend in tried(model, option).problems(around))
    return not any(mend.split(";")[0] == f"remove {option}" for mend in mends)


def unbuilt(model: type[ConnectorSettings], option: str) -> bool:
    """Whether an option is refused as not supported yet."""
    return option in tried(model, option).unsupported(Surroundings("outbound"))


def tried(model: type[ConnectorSettings], option: str) -> ConnectorSettings:
    """Settings in which this one option is set to something else than its default, unchecked."""
    given = defaults(model)
    required = {name: "x" for name in model.model_fields if name not in given}
    values: dict[str, Any] = {**required, **given, option: other_than(given.get(option))}
    return model.model_construct(_fields_set={*required, option}, **values)


def other_than(default: Any) -> Any:
    """A value of the same kind as a default."""
    if isinstance(default, bool):
        return not default
    return default + 1 if isinstance(default, int | float) else "x"
