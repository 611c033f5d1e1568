"""Writes requirements.lock: every library that running, building, testing and checking this repository needs.

One lock serves every supported Python and operating system. Arguments are passed on to `uv pip compile`. Without any,
pins that still fit are kept; `--upgrade` renews all of them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.projects import ROOT, Project, read_projects

LOCK = ROOT / "requirements.lock"
OPTIONS = (
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-config",
    "--custom-compile-command=make lock",
    f"--output-file={LOCK}",
)


def wanted(projects: list[Project]) -> dict[str, set[str]]:
    """What is asked for, by who asks: each distribution, the dependency group `dev`, and the build backend."""
    own = {project.name for project in projects}
    asked = {
        project.name: {str(requirement) for requirement in project.requirements if requirement.name not in own}
        for project in projects
    }
    asked["dev"] = {str(requirement) for project in projects for requirement in project.dev_requirements}
    asked["build"] = {str(requirement) for project in projects for requirement in project.build_requirements}
    return {who: what for who, what in asked.items() if what}


def compile_lock(requirements: dict[str, set[str]], arguments: list[str]) -> int:
    """Runs `uv pip compile` over `requirements`; returns its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        for who, what in requirements.items():
            Path(folder, f"{who}.in").write_text("\n".join(sorted(what)) + "\n", encoding="utf-8")
        sources = [f"{who}.in" for who in requirements]
        command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *arguments, *sources]
        return subprocess.run(command, cwd=folder, check=False).returncode


def name_askers() -> None:
    """Turns the file names of a temporary folder, in the lock's comments, into the names of those who ask."""
    text = LOCK.read_text(encoding="utf-8")
    LOCK.write_text(re.sub(r"-r (\S+)\.in\b", r"\1", text), encoding="utf-8")


if __name__ == "__main__":
    if code := compile_lock(wanted(read_projects()), sys.argv[1:]):
        raise SystemExit(code)
    name_askers()
