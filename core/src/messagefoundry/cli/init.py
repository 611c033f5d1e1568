"""`messagefoundry init`: a configuration repository that works at once."""

from __future__ import annotations

import os
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "config/IB_EXAMPLE_ADT.py": "IB_EXAMPLE_ADT.py.txt",
    "environments/dev.toml": "dev.toml",
    "environments/staging.toml": "staging.toml",
    "environments/prod.toml": "prod.toml",
    "messages/sets/example_adt.hl7": "example_adt.hl7",
    "messages/sets/example_adt_discharge.hl7": "example_adt_discharge.hl7",
    "messages/sets/example_oru.hl7": "example_oru.hl7",
    "messagefoundry.toml": "messagefoundry.toml",
    "requirements.txt": "requirements.txt",
    ".github/workflows/check.yml": "check.yml",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
}
"""Each file of the repository and where its text is: beside this module, in `scaffold`."""


@click.command("init")
@click.argument("directory", metavar="DIR", type=options.FILE)
def command(directory: Path) -> None:
    """Write a configuration repository into DIR, which must be new or empty.

    It has a feed that runs at once, messages to check it with, and a README with the next steps.
    """
    refuse_occupied(directory)
    for path in written(directory):
        click.echo(f"wrote {path}")
    click.echo(
        f"\nNext:\n  cd {directory}\n  messagefoundry check --config config --messages messages/sets\n"
        "  messagefoundry serve --config config\nREADME.md goes on from there."
    )


def refuse_occupied(directory: Path) -> None:
    """Raise WrongCall unless the directory is new or empty; a fresh git repository counts as empty."""
    if directory.is_dir():
        occupied = sorted(entry.name for entry in directory.iterdir() if entry.name != ".git")
        if occupied:
            shown = ", ".join(occupied[:3]) + (", ..." if len(occupied) > 3 else "")
            raise WrongCall(f"{directory} is not empty ({shown}): name a new directory, nothing was written")
    elif directory.exists():
        raise WrongCall(f"{directory} is a file: name a new directory")


def written(directory: Path) -> list[Path]:
    """Write every file, readable by all and writable by nobody but the owner: others' code must not run as ours."""
    templates = files("messagefoundry.cli") / "scaffold"
    paths = []
    for name, template in FILES.items():
        path = directory / name
        _make_folder(path.parent)
        text = (templates / template).read_text("utf-8")
        if template == "requirements.txt":
            text = text.format(version=version("messagefoundry-core"))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
        paths.append(path)
    return paths


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o755)
