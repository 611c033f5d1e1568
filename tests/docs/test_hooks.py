"""Every hook has a heading with its signature in the reference, and a test of what a plugin does through it."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from messagefoundry.contracts.hookspecs import Hooks
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PAGE = ROOT / "docs" / "reference" / "hooks.md"


def signatures(hooks: type) -> dict[str, str]:
    """Each hook as a plugin writes it: name, arguments, what it returns."""
    found = {}
    for name, function in vars(hooks).items():
        if inspect.isfunction(function):
            whole = inspect.signature(function)
            arguments = [each for each in whole.parameters.values() if each.name != "self"]
            text = str(whole.replace(parameters=arguments)).replace("'", "")
            found[name] = f"{name}{text}"
    return found


def headings(page: str) -> dict[str, str]:
    """Each heading of the section on hooks, with the block below it."""
    section = page.partition("\n## Hooks\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^### (\w+)\n\n```text\n(.*?)\n```", section, re.MULTILINE | re.DOTALL))


def marked(file: Path) -> Iterator[tuple[str, str]]:
    """The hooks that tests of a file are marked with, and the tests' names."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for each in node.decorator_list:
                if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.hook":
                    yield ast.literal_eval(each.args[0]), node.name


def behaviour_tests() -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for hook, test in marked(file):
            found[hook].append(test)
    return dict(found)


def lacking(hooks: type, page: str, tests: Mapping[str, list[str]]) -> list[str]:
    """What a hook lacks, and what is said of a hook that there is not."""
    known, shown = signatures(hooks), headings(page)
    return [
        *(f"{name} has no heading in {PAGE.name}" for name in known.keys() - shown.keys()),
        *(f"{name} is shown as {shown[name]}" for name in known.keys() & shown.keys() if shown[name] != known[name]),
        *(f'{name} has no test: mark one @pytest.mark.hook("{name}")' for name in known.keys() - tests.keys()),
        *(f"{name} is no hook" for name in (shown.keys() | tests.keys()) - known.keys()),
    ]


def test_every_hook_is_shown_and_tested() -> None:
    assert len(signatures(Hooks)) >= 7
    assert lacking(Hooks, PAGE.read_text("utf-8"), behaviour_tests()) == []


def test_a_hook_that_is_added_changed_or_taken_away_is_noticed() -> None:
    class Added(Hooks):
        def register_dreams(self) -> list[str]:
            raise NotImplementedError

    class Changed:
        def register_stores(self, engine: str) -> list[str]:
            raise NotImplementedError

    tests = {"register_stores": ["test_one"], "register_lost": ["test_two"]}
    assert sorted(lacking(Added, "", {})) == [
        "register_dreams has no heading in hooks.md",
        'register_dreams has no test: mark one @pytest.mark.hook("register_dreams")',
    ]
    page = "\n## Hooks\n\n### register_stores\n\n```text\nregister_stores() -> list[str]\n```\n\n## specs\n"
    assert lacking(Changed, page, tests) == [
        "register_stores is shown as register_stores() -> list[str]",
        "register_lost is no hook",
    ]
