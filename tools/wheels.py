"""Builds the wheel of every distribution into one folder, in which pip finds them with `--find-links`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tools.projects import ROOT, read_projects

if TYPE_CHECKING:
    from pathlib import Path

DIST = ROOT / "dist"


def build_wheels(folder: Path) -> dict[str, Path]:
    """The wheel of every distribution, by name, in `folder`. Raises CalledProcessError when one cannot be built."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    wheels = {}
    for project in read_projects():
        subprocess.run([*command, str(project.folder)], check=True, capture_output=True, text=True)
        (wheels[project.name],) = folder.glob(f"{project.name.replace('-', '_')}-{project.version}-*.whl")
    return wheels


def main() -> int:
    """Returns 1 when a wheel cannot be built. Wheels of other versions are removed: pip would take the newest."""
    for old in DIST.glob("messagefoundry*.whl"):
        old.unlink()
    try:
        wheels = build_wheels(DIST)
    except subprocess.CalledProcessError as error:
        print(error.stdout, error.stderr, sep="\n", file=sys.stderr)
        return 1
    for wheel in wheels.values():
        print(wheel.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
