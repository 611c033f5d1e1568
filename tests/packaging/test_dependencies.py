from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from tools.projects import ROOT, Project, read_projects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECTS = read_projects()
OWN = {project.name for project in PROJECTS}
WITH_SOURCES = [project for project in PROJECTS if project.folder != ROOT]
PACKAGES = {"messagefoundry": "messagefoundry-core"} | {
    project.name.replace("-", "_"): project.name for project in WITH_SOURCES if project.name != "messagefoundry-core"
}
PROVIDERS = dict(packages_distributions()) | {package: [owner] for package, owner in PACKAGES.items()}
KIT = ROOT / "core" / "src" / "messagefoundry" / "testing"
each_source = pytest.mark.parametrize("project", WITH_SOURCES, ids=lambda project: project.name)


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def imported_distributions(project: Project, *, kit: bool = False) -> set[str]:
    """Distributions, other than its own, that a project's sources import; an unknown module stands for itself.

    The conformance kit is apart: its extra brings what it imports.
    """
    paths = [path for path in (project.folder / "src").rglob("*.py") if path.is_relative_to(KIT) == kit]
    tops = {module.partition(".")[0] for path in paths for module in imported_modules(path)}
    outside = tops - set(sys.stdlib_module_names)
    return {str(canonicalize_name(PROVIDERS.get(top, [top])[0])) for top in outside} - {project.name}


def declared(project: Project) -> set[str]:
    return {str(canonicalize_name(requirement.name)) for requirement in project.requirements}


@each_source
def test_every_import_is_declared(project: Project) -> None:
    assert imported_distributions(project) - declared(project) == set()


@each_source
def test_nothing_is_declared_that_is_not_imported(project: Project) -> None:
    assert declared(project) - imported_distributions(project) == set()


def test_the_extra_of_the_kit_brings_what_it_imports() -> None:
    (core,) = (project for project in WITH_SOURCES if project.name == "messagefoundry-core")
    extra = {requirement.name for requirement in core.extras["testing"]}
    assert imported_distributions(core, kit=True) - declared(core) <= extra
    # The lock pins what the group `dev` asks for; the extra asks for nothing else.
    assert {str(each) for each in core.extras["testing"]} <= {str(each) for each in PROJECTS[0].dev_requirements}


def test_the_page_of_dependencies_lists_exactly_what_is_declared() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", page, re.MULTILINE)
    listed = [(library, needing.strip()) for library, cell in rows for needing in cell.split(",")]
    asked = {
        (name, project.name.removeprefix("messagefoundry-"))
        for project in WITH_SOURCES
        for name in declared(project) - OWN
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == asked


def test_the_page_of_dependencies_lists_the_tools() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    tools = page.partition("## Tools")[2]
    listed = set(re.findall(r"^- `([a-z0-9-]+)`", tools, re.MULTILINE))
    assert listed == {requirement.name for requirement in PROJECTS[0].dev_requirements}
