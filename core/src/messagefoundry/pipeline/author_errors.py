"""What goes wrong in authors' functions, and how it is told without telling what a message holds."""

from __future__ import annotations

import os
import traceback

from messagefoundry.contracts.errors import kind_of
from messagefoundry.wiring.misuse import MisuseError
from messagefoundry.wiring.reference_sets import UnsyncedReferenceError
from messagefoundry.wiring.untranslated import NotTranslated

SAFE = (NotTranslated, UnsyncedReferenceError, MisuseError)
"""Errors whose own text is never made of a message."""


class AuthorError(Exception):
    """What an author's function gave cannot be used. `sentence` is safe to show; the text may hold a field's value."""

    def __init__(self, sentence: str, text: str = "") -> None:
        self.sentence = sentence
        super().__init__(text)


class NotDeclaredError(AuthorError):
    """A name that the configuration does not declare. Authors may make it from a field, so it is told apart."""

    def __init__(self, sentence: str, name: str) -> None:
        super().__init__(sentence, f"the name is {name}")


class WrongReturnError(AuthorError):
    """A Router or Handler returned something that says nothing about where messages go."""

    def __init__(self, returned: object, wanted: str) -> None:
        super().__init__(f"it returned {kind_of(returned)}: {wanted}")


def describe_failure(error: BaseException, where: str) -> str:
    """An author's error in two parts: a first line that is safe to show anywhere, then its own text.

    The first line names the class and the place in the author's code, the step of a NotTranslated, the reference set
    that was never read, and what a MisuseError says; the text may quote a message, so it is kept sealed in the store
    and shown only to those who ask.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_OWN)]
    place = f" at {os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
    text = own_text(error)
    said = f": {error.sentence}" if isinstance(error, AuthorError) else ""
    said = f": {text}" if isinstance(error, SAFE) else said
    return f"{type(error).__name__}{place} in {where}{said}" + (f"\n{text}" if text else "")


def own_text(error: BaseException) -> str:
    """What an error says of itself, which an author may have written badly; at most 2000 characters."""
    try:
        return str(error)[:2000]
    except Exception:  # noqa: BLE001 - an author's __str__ may raise anything
        return ""


_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
