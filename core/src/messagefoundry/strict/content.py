"""What stands in the fields of one segment, held against the parts that its version defines."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from messagefoundry.strict.faults import Rule
from messagefoundry.strict.schema import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from messagefoundry.message import Delimiters
    from messagefoundry.strict.schema import Part, Schema

HEADER = "MSH"
"""The segment whose first field is the field separator itself."""

NULL = '""'
"""A value that says "delete what you have" (§2.5.3); it may stand anywhere."""

Place = tuple[int, int | None, int | None, int | None]
"""Field, repetition, component and subcomponent, from 1; None where a fault is about the whole of it."""


def segment_faults(
    schema: Schema, parts: Sequence[Part], line: str, delimiters: Delimiters, tick: Callable[[], None]
) -> Iterator[tuple[Rule, Place]]:
    """The faults of one segment, field by field. `tick` is called for every repetition, and may raise."""
    fields = line.split(delimiters.field)
    shift = 1 if fields[0] == HEADER else 0
    for part in parts:
        if shift and part.number <= 2:
            continue
        text = fields[part.number - shift] if part.number - shift < len(fields) else ""
        if text.strip():
            yield from _field(schema, part, text, delimiters, tick)
        elif part.required:
            yield Rule.REQUIRED, (part.number, None, None, None)
    if not parts[-1].any:
        defined = {part.number for part in parts}
        more = (number for number, text in enumerate(fields[1:], 1 + shift) if number not in defined and text.strip())
        yield from ((Rule.UNDEFINED, (number, None, None, None)) for number in islice(more, 1))


def _field(
    schema: Schema, part: Part, text: str, delimiters: Delimiters, tick: Callable[[], None]
) -> Iterator[tuple[Rule, Place]]:
    if part.most == 0:
        yield Rule.UNDEFINED, (part.number, None, None, None)
        return
    repetitions = _split(text, delimiters.repetition, part.most)
    if part.most != UNBOUNDED and len(repetitions) > part.most:
        yield Rule.REPEATED, (part.number, part.most + 1, None, None)
        repetitions.pop()
    separators = (delimiters.component, delimiters.subcomponent)
    for number, value in enumerate(repetitions, start=1):
        tick()
        for rule, (component, subcomponent) in _value(schema, part, value, separators):
            yield rule, (part.number, number, component, subcomponent)


def _value(
    schema: Schema, part: Part, text: str, separators: Sequence[str]
) -> Iterator[tuple[Rule, tuple[int | None, int | None]]]:
    """The faults of a value that the first of `separators` divides, with the numbers of component and subcomponent."""
    if part.any or not text.strip() or text == NULL:
        return
    most = max((inner.number for inner in part.parts), default=1)
    pieces = _split(text, separators[0], most) if separators else [text]
    if not part.parts or not separators:
        if len(pieces) > 1:
            yield Rule.UNDEFINED, (2, None)
        elif not part.parts:
            yield from ((rule, (None, None)) for rule in _primitive(schema, part, text, separators))
        return
    values = {number: piece for number, piece in enumerate(pieces, start=1) if piece.strip()}
    if most + 1 in values:
        values[most + 1 + _leading(pieces[most], separators[0])] = values.pop(most + 1)
    for inner in part.parts:
        piece = values.pop(inner.number, "")
        if piece and inner.most == 0:
            yield Rule.UNDEFINED, (inner.number, None)
        elif piece:
            for rule, (deeper, _) in _value(schema, inner, piece, separators[1:]):
                yield rule, (inner.number, deeper)
        elif inner.required:
            yield Rule.REQUIRED, (inner.number, None)
    if values:
        yield Rule.UNDEFINED, (min(values), None)


def _primitive(schema: Schema, part: Part, text: str, separators: Sequence[str]) -> Iterator[Rule]:
    if separators[1:] and len(_split(text, separators[1], 1)) > 1:
        yield Rule.UNDEFINED
    elif not schema.accepts(part.data_type, text):
        yield Rule.DATA_TYPE
    elif part.table is not None and text.strip() not in part.table:
        yield Rule.TABLE


def _split(text: str, separator: str, most: int) -> list[str]:
    """The pieces of a text without empty ones at its end; what is beyond `most` pieces stays one piece."""
    if not separator or separator not in text:
        return [text]
    return text.rstrip(separator).split(separator, most)


def _leading(text: str, separator: str) -> int:
    return len(text) - len(text.lstrip(separator))
