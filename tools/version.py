"""Sets the version of every distribution, and of what they ask of each other, in all pyproject.toml files at once."""

from __future__ import annotations

import re
import sys

from packaging.version import InvalidVersion, Version

from tools.projects import ROOT, project_files

OWN_VERSION = re.compile(r'^(version = )"[^"]*"', re.MULTILINE)
OWN_REQUIREMENT = re.compile(r'("messagefoundry-[a-z0-9]+(?:\[[a-z]+\])?==)[^"]*"')


def with_version(text: str, version: str) -> str:
    """A pyproject.toml of this repository, moved to `version`."""
    text = OWN_VERSION.sub(rf'\g<1>"{version}"', text, count=1)
    return OWN_REQUIREMENT.sub(rf'\g<1>{version}"', text)


def main(arguments: list[str]) -> int:
    """Returns 2, having changed nothing, when the arguments are not one version."""
    try:
        (version,) = (str(Version(argument)) for argument in arguments)
    except (ValueError, InvalidVersion):
        print("Name one version, as in: make version V=0.5.0", file=sys.stderr)
        return 2
    for path in project_files():
        path.write_text(with_version(path.read_text(encoding="utf-8"), version), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {version}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
