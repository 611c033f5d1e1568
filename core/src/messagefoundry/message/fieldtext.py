"""What reading a place gives, and what writing one takes."""

from enum import IntEnum
from typing import Any, SupportsIndex

from .errors import EditError
from .escapes import Escapes


class Level(IntEnum):
    """What a path names."""

    FIELD = 0
    REPETITION = 1
    COMPONENT = 2
    SUBCOMPONENT = 3


class FieldText(str):
    """Text read from a message that remembers its notation, so that written again it is the same bytes.

    It is an ordinary str otherwise; whatever is computed from it (`.strip()`, `+`, f-strings, a pickle) is plain
    text. Only text whose notation is not simply itself is read as a FieldText.
    """

    __slots__ = ("_escapes", "_notation")
    _notation: str
    _escapes: Escapes

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return str, (str(self),)


def read(notation: str, level: Level, escapes: Escapes) -> str:
    r"""The text at a place whose notation is `notation`.

    All escapes are decoded, with one exception: in a field or repetition that has components, subcomponents (or,
    for a whole field, repetitions), `\S\ \T\` (`\R\`) stay, because `^ & ~` there are structure.
    """
    if escapes.plain(notation):
        return notation
    keep = _structure_codes(notation, escapes) if level <= Level.REPETITION else frozenset()
    text = FieldText(escapes.decode(notation, keep=keep))
    text._notation = notation
    text._escapes = escapes
    return text


def write(value: str | None, level: Level, escapes: Escapes) -> str:
    r"""The notation that puts `value` at a place.

    Text that was read from a message keeps its structure and escapes when its structure fits `level`. Other text:
    in a field or repetition, `^` and `&` are structure, and then `\S\` and `\T\` mean the characters; everything
    else is data and escaped. None and "" empty the place. EditError when `value` is not text.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EditError(f"a field takes text or None, not {type(value).__name__}: convert it with str()")
    if type(value) is str and escapes.plain(value):
        return value
    if isinstance(value, FieldText) and _fits(value, level):
        return escapes.translate(value._notation, value._escapes)
    structure = escapes.delimiters.component + escapes.delimiters.subcomponent
    if level <= Level.REPETITION and any(separator in value for separator in structure):
        return escapes.encode(value, structure=structure, keep=_STRUCTURE)
    return escapes.encode(value)


_STRUCTURE = frozenset("ST")
_STRUCTURE_AND_REPETITION = frozenset("STR")
_NOTHING: frozenset[str] = frozenset()


def _structure_codes(notation: str, escapes: Escapes) -> frozenset[str]:
    delimiters = escapes.delimiters
    if delimiters.repetition and delimiters.repetition in notation:
        return _STRUCTURE_AND_REPETITION
    separators = delimiters.component + delimiters.subcomponent
    return _STRUCTURE if any(separator in notation for separator in separators) else _NOTHING


def _fits(value: FieldText, level: Level) -> bool:
    delimiters = value._escapes.delimiters
    above = (delimiters.repetition, delimiters.component, delimiters.subcomponent)[:level]
    return not any(separator and separator in value._notation for separator in above)
