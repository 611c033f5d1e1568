from __future__ import annotations

import ast
import doctest
import re
import shlex
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING

import click
import pytest

from messagefoundry.cli.program import program
from messagefoundry.plugins import installed
from messagefoundry.settings import check_posture, load_settings, posture_of
from messagefoundry.wiring.load import load_graph
from tests.docs.blocks import PAGES, Block, blocks, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUES = {"adt_port": 2575, "lab_host": "lab", "lab_port": 2576, "archive_dir": "archive"}
INLINE = re.compile(r"`messagefoundry ([^`]+)`")
PLACEHOLDER = re.compile(r"\b(ID|NAME|OB|COMMAND)\b")


def each(found: list[Block]) -> pytest.MarkDecorator:
    assert found
    return pytest.mark.parametrize("block", found, ids=str)


@each(blocks("python"))
def test_python_parses(block: Block) -> None:
    ast.parse(block.text, str(block))


@each(blocks("python", "config"))
def test_a_configuration_loads_without_a_warning(block: Block, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    (folder / "feed.py").write_text(block.text)
    (folder / "feed.py").chmod(0o600)
    graph = load_graph(folder, installed=installed(), environment="dev", values=VALUES)
    assert graph.inbounds
    assert graph.outbounds
    assert graph.warnings == ()


@each(blocks("pycon"))
def test_a_session_gives_what_it_shows(block: Block) -> None:
    """The sessions of one page go on from each other."""
    page = blocks_of(block.page)
    before = [other for other in page if other.language == "pycon" and other.line <= block.line]
    session = doctest.DocTestParser().get_doctest("\n".join(each.text for each in before), {}, str(block), None, 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(session, out=said.append)
    assert outcome.failed == 0, "".join(said)


@each(blocks("toml"))
def test_toml_parses(block: Block) -> None:
    assert tomllib.loads(block.text)


@each(blocks("toml", "messagefoundry.toml"))
def test_settings_are_accepted_without_a_warning(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "messagefoundry.toml"
    file.write_text(block.text)
    loaded = load_settings(file, environ={})
    assert loaded.warnings == ()
    assert check_posture(loaded.settings, posture_of(loaded.settings)).refusals == ()


# -- commands --------------------------------------------------------------------------------------------------------


def calls() -> Iterator[tuple[str, str]]:
    """Every call of `messagefoundry` in a block or in running text, with where it stands."""
    for page in PAGES:
        for block in blocks_of(page):
            if block.language == "sh":
                for line in block.text.splitlines():
                    if line.startswith("messagefoundry "):
                        yield str(block), line.removeprefix("messagefoundry ").partition("  #")[0]
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            for call in INLINE.findall(line):
                yield f"{page.name}:{number}", call


def parsed(arguments: list[str], command: click.Command, context: click.Context) -> None:
    """Parse a call as the program would, to the last option. Raises UsageError."""
    while isinstance(command, click.Group) and arguments:
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    if not isinstance(command, click.Group):
        with suppress(click.MissingParameter):  # running text leaves arguments out
            command.parse_args(context, arguments)


@pytest.mark.parametrize(("place", "call"), sorted(set(calls())))
def test_a_command_can_be_called_like_that(place: str, call: str) -> None:
    arguments = shlex.split(PLACEHOLDER.sub("1", re.sub(r"\$\(.*\)", "1", call)).replace("…", ""))
    parsed(arguments, program, click.Context(program, info_name="messagefoundry"))


def test_a_wrong_option_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        parsed(["messages", "list", "--folow"], program, click.Context(program, info_name="messagefoundry"))
