"""The wheels, installed into an environment that holds nothing else: engine, SQLite store and one plugin."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools.lock import LOCK
from tools.projects import ROOT, Project, read_projects

PROJECTS = read_projects()
INSTALLED = ("messagefoundry-core", "messagefoundry-mllp", "messagefoundry-sql", "messagefoundry-sqlite")
Wheels = dict[str, Path]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MEFOR_"))}
    return subprocess.run(
        [str(part) for part in command], env=clean | environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """The wheel of every distribution, by name."""
    return {project.name: built(project, tmp_path_factory.mktemp(project.name)) for project in PROJECTS}


def built(project: Project, folder: Path) -> Path:
    result = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, project.folder)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a clean environment with `messagefoundry[mllp]`; libraries as locked, checked by hash."""
    folder = tmp_path_factory.mktemp("clean")
    environment = folder / "venv"
    venv.create(environment, with_pip=False)
    wanted = {"messagefoundry[mllp]": wheels["messagefoundry"]} | {name: wheels[name] for name in INSTALLED}
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(pinned(name, wheel) for name, wheel in wanted.items()), encoding="utf-8")
    options = ("--quiet", "--require-hashes", "--requirement", requirements, "--constraint", LOCK)
    python = environment / "bin" / "python"
    result = run(sys.executable, "-m", "pip", "--python", python, "install", *options)
    assert result.returncode == 0, result.stderr
    return python.parent


def pinned(requirement: str, wheel: Path) -> str:
    return f"{requirement} @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_a_wheel_holds_its_package_and_its_licence_and_no_tests(wheels: Wheels, project: Project) -> None:
    names = ZipFile(wheels[project.name]).namelist()
    information = f"{project.name.replace('-', '_')}-{project.version}.dist-info"
    assert {f"{information}/licenses/LICENSE", f"{information}/licenses/NOTICE"} <= set(names)
    packages = {path.name for path in (project.folder / "src").glob("*/")} if project.folder != ROOT else set()
    assert {name.partition("/")[0] for name in names} == {information} | packages
    assert {f"{package}/py.typed" for package in packages} <= set(names)
    assert [name for name in names if "test" in name.lower()] == []


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_a_wheel_holds_every_file_of_its_sources(wheels: Wheels, project: Project) -> None:
    source = project.folder / "src"
    there = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {name for name in there if "__pycache__" not in name} <= set(ZipFile(wheels[project.name]).namelist())


def test_the_libraries_agree_with_each_other(installed: Path) -> None:
    result = run(sys.executable, "-m", "pip", "--python", installed / "python", "check")
    assert result.stdout.strip() == "No broken requirements found."


def test_the_command_starts(installed: Path) -> None:
    result = run(installed / "messagefoundry", "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Usage: messagefoundry")


def test_the_installed_plugin_offers_its_names(installed: Path) -> None:
    result = run(installed / "python", "-W", "error", "-c", "from messagefoundry import MLLP; MLLP(port=2575)")
    assert (result.returncode, result.stderr) == (0, "")


def test_an_absent_plugin_is_named_with_the_command_that_installs_it(installed: Path) -> None:
    result = run(installed / "python", "-c", "from messagefoundry import File")
    assert result.returncode == 1
    assert "pip install 'messagefoundry[file]'" in result.stderr.splitlines()[-1]


def test_the_store_is_found(installed: Path) -> None:
    result = run(installed / "messagefoundry", "plugins", "--json")
    assert result.returncode == 0, result.stderr
    assert "messagefoundry-sqlite" in result.stdout
    assert "messagefoundry-file" not in result.stdout
