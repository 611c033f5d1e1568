"""Settings of any kind end in Settings, or in problems that say where and what, and never show a value."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import assume, example, given
from hypothesis import strategies as st

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.settings import load_settings
from messagefoundry.settings.posture import check_posture, posture_of
from messagefoundry.wiring.environments import read_values
from tests.strategies.settings import RIGHT, SECRET, documents, files, toml, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from messagefoundry.contracts.errors import Problem


def in_file(content: bytes, read: Callable[[Path], object]) -> None:
    """What `read` makes of a file with this content is something, or problems that people can read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messagefoundry.toml"
        file.write_bytes(content)
        problems: Iterable[Problem] | None = None
        try:
            read(file)
        except ConfigurationError as refusal:
            problems = refusal.problems
        if problems is not None:
            assert problems
            check_sentences(problems)


def check_sentences(problems: Iterable[Problem]) -> None:
    """Each says something, on one line, that can be printed, without a value."""
    for problem in problems:
        assert problem.text.strip()
        line = str(problem)
        assert line.splitlines() == [line]
        line.encode()
        assert SECRET not in line


@given(content=files, environ=variables)
@example(content=b"a = " + b"[" * 5000, environ={})
@example(content=b"a = " + b"1" * 5000, environ={})
def test_any_file_and_any_variables_end_in_settings_or_in_problems(content: bytes, environ: dict[str, str]) -> None:
    def read(file: Path) -> None:
        loaded = load_settings(file, environ=environ)
        check_sentences(loaded.warnings)
        posture = posture_of(loaded.settings)
        findings = check_posture(loaded.settings, posture)
        check_sentences((*findings.refusals, *findings.warnings))
        loaded.settings.store_path()
        read_values(loaded.settings.values_path(posture.environment), environ)

    in_file(content, read)


@given(content=files, environ=variables)
@example(content=b"a = " + b"[" * 5000, environ={})
def test_any_file_of_values_ends_in_values_or_in_problems(content: bytes, environ: dict[str, str]) -> None:
    def read(file: Path) -> None:
        values, problems = read_values(file, environ)
        check_sentences(problems)
        assert all(isinstance(key, str) for key in values)

    in_file(content, read)


@given(document=documents(), environ=variables)
def test_the_same_settings_are_judged_the_same(document: str, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messagefoundry.toml"
        file.write_text(document, "utf-8")
        first, again = (judged(file, environ) for _ in range(2))
        assert first == again


def judged(file: Path, environ: dict[str, str]) -> object:
    try:
        loaded = load_settings(file, environ=environ)
        return loaded.settings.model_dump(), loaded.warnings
    except ConfigurationError as refusal:
        return refusal.problems


@given(place=st.sampled_from(list(RIGHT)), layers=st.lists(st.integers(0, 9) | st.none(), min_size=3, max_size=3))
def test_the_command_line_wins_over_variables_over_the_file(place: tuple[str, str], layers: list[int | None]) -> None:
    assume(any(layer is not None for layer in layers))
    section, key = place
    right = RIGHT[place]
    file_value, variable, argument = (None if layer is None else right[layer % len(right)] for layer in layers)
    text = "" if file_value is None else f"[{section}]\n{key} = {toml(file_value)}\n"
    environ = {} if variable is None else {f"MEFOR_{section}_{key}".upper(): toml(variable).strip('"')}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messagefoundry.toml"
        file.write_text(text)
        settings = load_settings(file, environ=environ, command_line={section: {key: argument}}).settings
    given_values = [value for value in (argument, variable, file_value) if value is not None]
    assert getattr(getattr(settings, section), key) == given_values[0]
