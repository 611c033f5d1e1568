"""Which of the keys that somebody wrote are acted on, and what is to be said of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from messagefoundry.contracts.errors import Problem
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.settings.catalogue import UNBUILT, Unbuilt
from messagefoundry.settings.model import sections

PREFIX = "MEFOR_"
VALUE_PREFIX = "MEFOR_VALUE_"
NO_SETTINGS = {"MEFOR_DEBUG"}
"""Variables that are read elsewhere: by the command line, before there are settings."""

BUILT = {(section, key) for section, model in sections().items() for key in model.model_fields}
ENVIRONMENT_ONLY = {("store", "password")}
SECTIONS = sorted({section for section, _ in {*BUILT, *UNBUILT}})

Layer = dict[str, dict[str, Any]]
Place = Callable[[str, str], tuple[str, int]]


@dataclass(slots=True)
class Judged:
    """What one source of settings comes to."""

    layer: Layer = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def keep(self, section: str, key: str, value: Any) -> None:
        """Act on a key."""
        self.layer.setdefault(section, {})[key] = value


def judge_file(table: Mapping[str, Any], place: Place) -> Judged:
    """Judge the tables of the file; `place` finds file and line of a key ("" for its section)."""
    judged = Judged()
    for section, keys in table.items():
        if not isinstance(keys, dict):
            text, mend = "stands outside of a section", "put it below the [section] that it belongs to"
            judged.problems.append(_at(place, "", section, text, mend))
        elif section not in SECTIONS:
            mend = did_you_mean(section, SECTIONS)
            judged.problems.append(_at(place, section, "", "there is no such section", mend))
        else:
            for key, value in keys.items():
                _judge_key(judged, place, section, key, value)
    return judged


def _judge_key(judged: Judged, place: Place, section: str, key: str, value: Any) -> None:
    unbuilt = UNBUILT.get((section, key))
    if (section, key) in ENVIRONMENT_ONLY:
        judged.problems.append(_at(place, section, key, *_misplaced(section, key)))
    elif (section, key) in BUILT:
        judged.keep(section, key, value)
    elif unbuilt is None:
        mend = did_you_mean(key, keys_of(section))
        judged.problems.append(_at(place, section, key, "there is no such key", mend))
    else:
        if unbuilt.secret:
            judged.warnings.append(_at(place, section, key, *_misplaced(section, key)))
        _judge_unbuilt(judged, unbuilt, value, lambda text, mend: _at(place, section, key, text, mend))


def _misplaced(section: str, key: str) -> tuple[str, str]:
    text = "is a secret, and a file is read by more people than it is meant for"
    return text, f"take it out of the file and set {PREFIX}{section.upper()}_{key.upper()}"


def _at(place: Place, section: str, key: str, text: str, mend: str) -> Problem:
    file, line = place(section, key)
    name = f"[{section}] {key}".strip() if section else key
    return Problem(text, mend, file, line, name)


def _judge_unbuilt(judged: Judged, unbuilt: Unbuilt, value: Any, problem: Callable[[str, str], Problem]) -> None:
    if unbuilt.says_default(value):
        return
    if unbuilt.protective:
        text = "is not supported yet in this release, and leaving out what it protects would be a danger"
        judged.problems.append(problem(text, "remove it, or wait with this deployment"))
    else:
        judged.warnings.append(problem("is not supported yet in this release and has no effect", ""))


def keys_of(section: str) -> Iterable[str]:
    """Every key of a section, acted on or not."""
    return sorted(key for each, key in {*BUILT, *UNBUILT} if each == section)


def judge_environment(environ: Mapping[str, str]) -> Judged:
    """Judge the variables that begin with MEFOR_; an unknown one is only warned of, as it may be somebody else's."""
    judged = Judged()
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable.startswith(VALUE_PREFIX) or variable in NO_SETTINGS:
            continue
        named = VARIABLES.get(variable)
        if named is None:
            mend = did_you_mean(variable, VARIABLES) if len(variable) < 80 else ""
            judged.warnings.append(Problem("there is no such setting; the variable has no effect", mend, name=variable))
        elif named in BUILT:
            judged.keep(*named, value)
        else:
            _judge_unbuilt(judged, UNBUILT[named], value, _of_variable(variable))
    return judged


def _of_variable(variable: str) -> Callable[[str, str], Problem]:
    return lambda text, mend: Problem(text, mend, name=variable)


VARIABLES = {f"{PREFIX}{section}_{key}".upper(): (section, key) for section, key in {*BUILT, *UNBUILT}}
