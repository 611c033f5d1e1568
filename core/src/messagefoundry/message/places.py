"""A field's notation taken apart and put together: repetition, component, subcomponent."""

from .delimiters import Delimiters
from .errors import EditError
from .paths import Path

_MOST_EMPTY = 9999


def nth(notation: str, separator: str, number: int) -> str | None:
    """Part `number` (from 1) of `notation`; None when there are fewer."""
    if not separator or separator not in notation:
        return notation if number == 1 else None
    parts = notation.split(separator, number)
    return parts[number - 1] if number <= len(parts) else None


def pick(field: str, path: Path, repetition: int | None, delimiters: Delimiters) -> str | None:
    """The notation at a place inside `field`; None when the field ends before it.

    Without `repetition`, a component is that of the first repetition, and a field is all of its repetitions.
    """
    found: str | None = field
    if repetition is not None or path.component:
        found = nth(field, delimiters.repetition, repetition or 1)
    if found is not None and path.component:
        found = nth(found, delimiters.component, path.component)
    if found is not None and path.subcomponent:
        found = nth(found, delimiters.subcomponent, path.subcomponent)
    return found


def put(field: str, path: Path, repetition: int | None, new: str, delimiters: Delimiters) -> str:
    """`field` with `new` at a place, lengthened as far as needed; emptying what is not there changes nothing."""
    if not new and pick(field, path, repetition, delimiters) is None:
        return field
    if repetition is None and not path.component:
        return new
    number = repetition or 1
    if path.component:
        whole = nth(field, delimiters.repetition, number) or ""
        if path.subcomponent:
            part = nth(whole, delimiters.component, path.component) or ""
            new = _replace(part, delimiters.subcomponent, path.subcomponent, new, "subcomponent")
        new = _replace(whole, delimiters.component, path.component, new, "component")
    return _replace(field, delimiters.repetition, number, new, "repetition")


def _replace(notation: str, separator: str, number: int, new: str, what: str) -> str:
    if not separator:
        if number == 1:
            return new
        raise EditError(f"MSH-2 of this message declares no {what} separator")
    parts = notation.split(separator)
    if number > len(parts):
        if number > len(parts) + _MOST_EMPTY:
            raise EditError(f"{what} {number} is too far behind the last of {len(parts)}")
        parts += [""] * (number - len(parts))
    parts[number - 1] = new
    return separator.join(parts)
