"""Writes the reference pages of docs/ from the code, and checks every relative link of the README and docs/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tools.links import dead_links
from tools.projects import ROOT
from tools.reference import PAGES

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = ROOT / "docs" / "reference"
NOTICE = "<!-- Written from the code by `make docs`: edit the code, not this page. -->"


def pages() -> dict[Path, str]:
    """Every generated page, by its file."""
    return {REFERENCE / name: f"{NOTICE}\n\n{write().rstrip()}\n" for name, write in PAGES.items()}


def documents() -> list[Path]:
    """Every page with links to be checked."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def stale() -> list[Path]:
    """Generated pages that are not what the code says now, and files that no page is written to."""
    wanted = pages()
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    return [*wrong, *(path for path in sorted(REFERENCE.glob("*")) if path not in wanted)]


def write() -> None:
    """Bring the generated pages up to date, saying which have changed."""
    REFERENCE.mkdir(exist_ok=True)
    wanted = pages()
    for path in stale():
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
        print(f"{path.relative_to(ROOT)}: {'written' if path in wanted else 'removed'}")


def main() -> int:
    """Returns 1 when a link is dead."""
    write()
    dead = [f"{path.relative_to(ROOT)}: {link}" for path in documents() for link in dead_links(path)]
    for each in dead:
        print(f"dead link in {each}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    raise SystemExit(main())
