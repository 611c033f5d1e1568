"""The page of errors, from the two modules that draw their trees."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from messagefoundry.contracts import errors as contract
from messagefoundry.message import RefusalKind
from messagefoundry.message import errors as message
from tools.reference.markdown import prose, table, text_of

if TYPE_CHECKING:
    from types import ModuleType


def page() -> str:
    """The text of the page."""
    parts = ["# Errors", "## Of the engine and its plugins", *described(contract)]
    parts += ["## Of messages", *described(message)]
    parts += ["## Why a message is refused", REFUSALS, refusals()]
    return "\n\n".join(parts)


REFUSALS = """\
`code` is that of HL7 table 0357, in ERR-3. *rejects* are answered AR or CR, the others AE or CE. The
sentence is kept with the message."""


def described(module: ModuleType) -> list[str]:
    """A module's own words, and a row for each class."""
    classes = [each for each in vars(module).values() if inspect.isclass(each) and issubclass(each, Exception)]
    rows = [(f"`{each.__name__}`", prose(each)) for each in classes if each.__module__ == module.__name__]
    return [text_of(module.__doc__ or ""), table(("error", ""), rows)]


def refusals() -> str:
    """A row for each reason."""
    rows = [(f"`{kind.name}`", str(kind.code), "yes" if kind.rejects else "", kind.sentence) for kind in RefusalKind]
    return table(("reason", "code", "rejects", "sentence"), rows)
