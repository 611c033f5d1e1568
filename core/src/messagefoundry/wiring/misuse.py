"""Our own refusals of what an author's function calls us with."""

from __future__ import annotations


class MisuseError(TypeError):
    """A call in an author's function cannot be used. The text, shown anywhere, names types and limits and no value."""
