"""The parts of a module put together, with the imports they need and the blank lines that ruff wants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from messagefoundry.importing.pytext import WIDTH, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

_IMPORTABLE = (
    "MLLP",
    "AckMode",
    "ContentType",
    "File",
    "Message",
    "NotTranslated",
    "OrderingMode",
    "PassThrough",
    "RetryPolicy",
    "Send",
    "env",
    "handler",
    "inbound",
    "outbound",
    "router",
)
"""In the order in which an import sorts them: constants, classes, functions."""

PUT = [
    "def put(msg, path, value):",
    '    """Write a place; a missing segment is added at the end, as the channel did."""',
    "    if not msg.count_segments(path[:3]):",
    "        msg.add_segment(path[:3])",
    "    msg[path] = value",
]


def composed(head: Sequence[str], blocks: Sequence[Sequence[str]], functions: Sequence[Sequence[str]]) -> str:
    """The text of a module: its docstring and remarks, declarations, functions."""
    lines = [line for block in [*blocks, *functions] for line in block]
    parts = ["\n".join(head), _imports(lines), *("\n".join(block) for block in blocks if block)]
    return "\n\n".join(parts) + "".join("\n\n\n" + "\n".join(each) for each in functions) + "\n"


def _imports(lines: Sequence[str]) -> str:
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    names = [name for name in _IMPORTABLE if re.search(rf"\b{name}\b", code)]
    line = f"from messagefoundry import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(Call("", tuple(("", name) for name in names)).lines(0, "from messagefoundry import "))
