"""The generated reference pages: file name, and the function that gives its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.reference import commands, connectors, errors, hooks, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "settings.md": settings.page,
    "connectors.md": connectors.page,
    "hooks.md": hooks.page,
    "errors.md": errors.page,
}
