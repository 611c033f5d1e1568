"""Our own refusals of what an author's function calls us with."""

from __future__ import annotations


class MisuseError(TypeError):
    """A call of an author's function cannot be used. The text is shown anywhere: it names types and limits, no value."""
