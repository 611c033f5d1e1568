"""The wheels, installed into an environment that holds nothing else: engine, SQLite store and one plugin."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools.lock import LOCK
from tools.projects import ROOT, Project, read_projects
from tools.wheels import build_wheels

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
    return build_wheels(tmp_path_factory.mktemp("wheels"))


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
    ours = [name for name in names if not name.startswith("messagefoundry/testing/")]
    assert [name for name in ours if "test" in name.lower()] == []


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
    assert f"pip install 'messagefoundry[file]=={PROJECTS[0].version}'" in result.stderr.splitlines()[-1]


def test_what_init_writes_installs_from_a_folder_of_wheels(wheels: Wheels, installed: Path, tmp_path: Path) -> None:
    """As the scaffold's README says: the wheels stand in its `wheels/`, wherever pip is called."""
    assert run(installed / "messagefoundry", "init", tmp_path / "feeds").returncode == 0
    requirements = tmp_path / "feeds" / "requirements.txt"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-index", "--dest", tmp_path / "got")
    absent = run(*pip, "--no-deps", "--requirement", requirements)
    assert absent.returncode == 1

    (tmp_path / "feeds" / "wheels").mkdir()
    for wheel in wheels.values():
        shutil.copy(wheel, tmp_path / "feeds" / "wheels")
    found = run(*pip, "--no-deps", "--requirement", requirements)
    assert found.returncode == 0, found.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == [wheels["messagefoundry"].name]


def test_the_store_is_found(installed: Path) -> None:
    result = run(installed / "messagefoundry", "plugins", "--json")
    assert result.returncode == 0, result.stderr
    assert "messagefoundry-sqlite" in result.stdout
    assert "messagefoundry-file" not in result.stdout
