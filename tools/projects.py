"""The distributions of this repository, read from their pyproject.toml files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ("pyproject.toml", "core/pyproject.toml", "plugins/*/pyproject.toml", "stores/*/pyproject.toml")


@dataclass(frozen=True)
class Project:
    """One distribution: its folder and its whole pyproject.toml."""

    folder: Path
    table: dict[str, Any]

    @property
    def name(self) -> str:
        """The distribution's name, as pip knows it."""
        return str(self.table["project"]["name"])

    @property
    def version(self) -> str:
        """The version that the distribution declares."""
        return str(self.table["project"]["version"])

    @property
    def requirements(self) -> list[Requirement]:
        """What an installation without extras needs, own distributions included."""
        return [Requirement(text) for text in self.table["project"].get("dependencies", [])]

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        """What each extra adds."""
        extras = self.table["project"].get("optional-dependencies", {})
        return {extra: [Requirement(text) for text in texts] for extra, texts in extras.items()}

    @property
    def build_requirements(self) -> list[Requirement]:
        """What building a wheel needs."""
        return [Requirement(text) for text in self.table["build-system"]["requires"]]

    @property
    def dev_requirements(self) -> list[Requirement]:
        """The dependency group `dev`; only the root has one."""
        return [Requirement(text) for text in self.table.get("dependency-groups", {}).get("dev", [])]


def project_files() -> list[Path]:
    """Every pyproject.toml, the root's first."""
    return [path for pattern in PATTERNS for path in sorted(ROOT.glob(pattern))]


def read_projects() -> list[Project]:
    """Every distribution, the root's first."""
    return [Project(path.parent, tomllib.loads(path.read_text(encoding="utf-8"))) for path in project_files()]
