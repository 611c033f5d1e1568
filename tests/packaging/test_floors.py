"""The import contracts of pyproject.toml: each of them turns red when its rule is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.projects import ROOT, read_projects

CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
SOURCES = [project.folder.relative_to(ROOT) / "src" for project in read_projects() if project.folder != ROOT]

FORBIDDEN = [
    ("floors", "messagefoundry.message", "import messagefoundry.contracts"),
    ("floors", "messagefoundry.contracts", "import messagefoundry.plugins"),
    ("floors", "messagefoundry.plugins", "import messagefoundry.wiring"),
    ("floors", "messagefoundry.wiring", "import messagefoundry.settings"),
    ("floors", "messagefoundry.settings", "import messagefoundry.pipeline"),
    ("floors", "messagefoundry.pipeline", "import messagefoundry.alerts"),
    ("floors", "messagefoundry.alerts", "import messagefoundry.observe"),
    ("floors", "messagefoundry.observe", "import messagefoundry.engine"),
    ("floors", "messagefoundry.engine", "import messagefoundry.api"),
    ("floors", "messagefoundry.api", "import messagefoundry.cli"),
    ("floors", "messagefoundry.unplaced", ""),
    ("harness-unused", "messagefoundry.engine", "import messagefoundry.harness"),
    ("harness-apart", "messagefoundry.harness", "import messagefoundry.message"),
    ("testing-unused", "messagefoundry.engine", "import messagefoundry.testing"),
    ("testing-unused", "messagefoundry_mllp", "from messagefoundry.testing import free_port"),
    ("testing-sees-contracts", "messagefoundry.testing", "import messagefoundry.pipeline"),
    ("plugins-see-contracts", "messagefoundry_mllp", "import messagefoundry.pipeline"),
    ("plugins-see-contracts", "messagefoundry_sqlite", "import messagefoundry.engine"),
    ("no-front-door", "messagefoundry.wiring.graph", "from messagefoundry import MLLP"),
    ("no-front-door", "messagefoundry_file", "from messagefoundry import Message"),
    ("no-front-door", "messagefoundry_mllp.plugin", "import messagefoundry"),
    ("plugins-unused", "messagefoundry.cli", "import messagefoundry_mllp"),
    ("plugins-unused", "messagefoundry_file", "import messagefoundry_mllp"),
    ("sql-shared-by-stores", "messagefoundry_mllp", "import messagefoundry_sql"),
    ("sql-shared-by-stores", "messagefoundry.engine", "import messagefoundry_sql"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for source in SOURCES:
        shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def check(tree: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Runs lint-imports over the sources in `tree`: they come before the installed ones."""
    selection = [f"--contract={contract}" for contract in contracts]
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", *selection]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(tree / source) for source in SOURCES)}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def source_of(tree: Path, module: str) -> Path:
    """The file of a module; a new package when there is none."""
    (folder,) = (tree / source for source in SOURCES if (tree / source / module.partition(".")[0]).is_dir())
    path = folder.joinpath(*module.split("."))
    if path.with_suffix(".py").exists():
        return path.with_suffix(".py")
    path.mkdir(exist_ok=True)
    return path / "__init__.py"


def test_the_sources_keep_every_contract(tree: Path) -> None:
    result = check(tree)
    assert result.returncode == 0, result.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in result.stdout


@pytest.mark.parametrize(("contract", "module", "statement"), FORBIDDEN, ids=lambda text: text.replace(" ", "-"))
def test_a_forbidden_import_breaks_its_contract(tree: Path, contract: str, module: str, statement: str) -> None:
    with source_of(tree, module).open("a", encoding="utf-8") as source:
        source.write(f"\n{statement}\n")
    result = check(tree, contract)
    assert result.returncode == 1
    assert module in result.stdout


def test_every_contract_is_seen_to_break() -> None:
    assert {contract for contract, _, _ in FORBIDDEN} == CONTRACTS.keys()


@pytest.mark.parametrize(
    ("contract", "allowed"),
    [
        ("harness-apart", {"messagefoundry.harness"}),
        ("plugins-see-contracts", {"messagefoundry.contracts", "messagefoundry.message"}),
        ("testing-sees-contracts", {"messagefoundry.contracts", "messagefoundry.message", "messagefoundry.testing"}),
    ],
)
def test_no_part_of_the_core_is_left_out_of_what_is_forbidden(contract: str, allowed: set[str]) -> None:
    parts = {f"messagefoundry.{path.parent.name}" for path in (ROOT / "core/src/messagefoundry").glob("*/__init__.py")}
    assert set(CONTRACTS[contract]["forbidden_modules"]) == parts - allowed
