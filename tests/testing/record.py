"""Writes into the variants which clauses catch them now: `python -m tests.testing.record`. Review what it changes."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.testing.test_kit import runs

NAMED = re.compile(r"^    caught_by: ClassVar = (?:set\(\)|\{[^}]*\})\n", re.MULTILINE)
CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)


def recorded(source: str, failed: dict[str, set[str]]) -> str:
    """The source of a module with today's `caught_by` in every class."""
    parts = CLASS.split(source)
    for place in range(1, len(parts), 2):
        parts[place + 1] = NAMED.sub(_named(failed.get(parts[place], set())), parts[place + 1])
    return parts[0] + "".join(f"class {name}({body}" for name, body in zip(parts[1::2], parts[2::2], strict=True))


def _named(names: set[str]) -> str:
    lines = "".join(f'        "{name}",\n' for name in sorted(names))
    return f"    caught_by: ClassVar = {{\n{lines}    }}\n" if names else "    caught_by: ClassVar = set()\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        caught = runs(Path(folder))
    for module, failed in caught.items():
        path = Path(__file__).with_name(f"{module}.py")
        path.write_text(recorded(path.read_text("utf-8"), failed), "utf-8")
