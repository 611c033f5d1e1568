from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.projects import ROOT, Project, read_projects
from tools.version import main as set_version
from tools.version import with_version

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PROJECTS = read_projects()
BY_NAME = {project.name: project for project in PROJECTS}
each_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)


def own(requirements: list[Requirement]) -> dict[str, str]:
    return {one.name: str(one.specifier) for one in requirements if one.name in BY_NAME}


def test_every_folder_with_sources_is_a_distribution() -> None:
    folders = {path.parent for path in ROOT.glob("*/src")} | {path.parent for path in ROOT.glob("*/*/src")}
    assert folders == {project.folder for project in PROJECTS} - {ROOT}


def test_all_distributions_carry_one_version() -> None:
    assert len({project.version for project in PROJECTS}) == 1


@each_project
def test_distributions_ask_for_each_other_in_the_same_version(project: Project) -> None:
    asked = own(project.requirements + [one for extra in project.extras.values() for one in extra])
    assert set(asked.values()) <= {f"=={project.version}"}


@each_project
def test_every_distribution_states_python_and_licence(project: Project) -> None:
    table = project.table["project"]
    assert table["requires-python"] == ">=3.11"
    assert table["license"] == "Apache-2.0"
    for text in ("LICENSE", "NOTICE"):
        assert text in table["license-files"]
        assert (project.folder / text).read_bytes() == (ROOT / text).read_bytes()


def test_the_root_brings_the_engine_and_the_sqlite_store() -> None:
    assert set(own(PROJECTS[0].requirements)) == {"messagefoundry-core", "messagefoundry-sqlite"}


def test_every_plugin_has_an_extra_and_all_has_every_plugin() -> None:
    plugins = {
        name.removeprefix("messagefoundry-")
        for name in BY_NAME
        if (ROOT / "plugins").joinpath(name.removeprefix("messagefoundry-")).is_dir()
    } | {"postgres"}
    extras = {extra: set(own(asked)) for extra, asked in PROJECTS[0].extras.items()}
    assert extras.keys() == plugins | {"strict", "standard", "all"}
    assert all(extras[plugin] == {f"messagefoundry-{plugin}"} for plugin in plugins)
    assert extras["strict"] == {"messagefoundry-core"}
    assert extras["all"] == {f"messagefoundry-{plugin}" for plugin in plugins} | {"messagefoundry-core"}
    assert extras["standard"] == {"messagefoundry-mllp", "messagefoundry-file"}


@each_project
def test_setting_the_version_moves_everything_and_nothing_else(project: Project) -> None:
    text = (project.folder / "pyproject.toml").read_text(encoding="utf-8")
    moved = with_version(text, "9.8.7")
    assert f'version = "{project.version}"' not in moved
    assert f"=={project.version}" not in moved
    assert moved.count("9.8.7") == 1 + len(re.findall(r'"messagefoundry-\w+(?:\[\w+\])?==', text))
    assert with_version(moved, project.version) == text


@pytest.mark.parametrize("arguments", [[], ["not-a-version"], ["0.2.0", "0.3.0"]])
def test_setting_no_version_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert set_version(arguments) == 2
    assert capsys.readouterr().err == "Name one version, as in: make version V=0.5.0\n"
