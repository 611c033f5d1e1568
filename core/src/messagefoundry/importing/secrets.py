"""Text of a channel with what looks like a secret blanked out."""

from __future__ import annotations

import re

BLANK = "***"
_NAMED = re.compile(r"pass(?:word|wd|phrase|_?code)|pwd|secret|token|api[_-]?key|credential|authorization|bearer", re.I)
_CONNECTS = re.compile(r"createDatabaseConnection|DriverManager|\.login\s*\(|basicAuth", re.I)
_LITERAL = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""")
_ADDRESS = re.compile(r"(?<=://)[^/\s'\"@:]{1,200}:[^/\s'\"@]{1,200}(?=@)")
_PARAMETER = re.compile(r"""(?i)([?&;](?:password|passwd|pwd|secret|token|api[_-]?key)=)[^&;\s'"]+""")
_KEY = re.compile(r"""(?:\[|\$\w*\(|\.(?:get|put)\()\s*\Z""")
"""What stands before a literal that is a name: an index, or the key of a map."""
_BEFORE = 40
_NEARBY = 3
"""Lines after the opening of a call that connects, in which its arguments stand."""


def is_secret(name: str) -> bool:
    """Whether a property of this name holds a secret."""
    return bool(_NAMED.search(name)) or name.lower().endswith(("keypassword", "privatekey"))


def blanked(text: str) -> str:
    """`text` with `***` for literals on lines that speak of secrets or connect, and for credentials in addresses."""
    lines, near = [], 0
    for line in text.split("\n"):
        near = _NEARBY if _CONNECTS.search(line) else max(near - 1, 0)
        if near or _NAMED.search(line):
            line = _LITERAL.sub(_unless_a_name, line)
        lines.append(_PARAMETER.sub(rf"\g<1>{BLANK}", _ADDRESS.sub(BLANK, line)))
    return "\n".join(lines)


def _unless_a_name(found: re.Match[str]) -> str:
    return found[0] if _KEY.search(found.string[max(0, found.start() - _BEFORE) : found.start()]) else f"'{BLANK}'"
