"""What counts as a value (HL7 v2.5.1 §2.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from typing import TypeGuard

NULL: Final = '""'
"""The HL7 null: it tells the receiver to delete its value."""

Text = TypeVar("Text", str, str | None)
"""Text that may be absent, or not, from the argument to the result."""


def has_value(text: str | None) -> TypeGuard[str]:
    """Whether a place has a value: it is there, is not empty and is not the HL7 null.

    >>> [has_value(text) for text in ("A", None, "", '""')]
    [True, False, False, False]
    """
    return bool(text) and text != NULL
