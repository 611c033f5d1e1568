"""Places of a message as scripts name them, `msg['PID']['PID.5']['PID.5.1']`, and as ours: `PID-5.1`. Pure.

Read with the default parser each field is an element that holds an element for each component, `PID.8` too: what a
script reads at field level is XML, not text, so a place is read at component level and below only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.syntax import Member, Name, Node, Number, Text

MESSAGES = ("msg", "tmp")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_NUMBERED = re.compile(r"([A-Z][A-Z0-9]{2})((?:\.[1-9][0-9]{0,3}){1,3})\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in `msg` or `tmp`; `numbers` are field, component and subcomponent, none for a whole segment."""

    message: str
    segment: str
    numbers: tuple[int, ...] = ()
    occurrence: int = 1
    repetition: int = 1
    chosen: bool = False
    """Whether the script names an index, so that the occurrence or the repetition is meant."""

    @property
    def path(self) -> str:
        """The place as `SEG-field.component`."""
        return f"{self.segment}-{'.'.join(map(str, self.numbers))}"

    @property
    def level(self) -> int:
        """0 a segment, 1 a field, 2 a component, 3 a subcomponent."""
        return len(self.numbers)


def place_of(node: Node) -> Place | None:
    """The place that an expression names; None when it is about no message. Raises Untranslatable for other forms."""
    keys = _keys(node)
    if not keys or keys[0] not in MESSAGES:
        return None
    message, rest = str(keys[0]), keys[1:]
    if not rest:
        raise Untranslatable(f"it uses the whole message {message}")
    segment, *below = _grouped(rest)
    if not _SEGMENT.match(segment[0]):
        raise Untranslatable(f"{segment[0]!a} is not the name of a segment")
    place = Place(message, segment[0], (), segment[1] + 1, 1, segment[2])
    for level, (name, index, chosen) in enumerate(below, 1):
        place = _below(place, level, name, index, chosen)
    return place


def _below(place: Place, level: int, name: str, index: int, chosen: bool) -> Place:
    found = _NUMBERED.match(name)
    numbers = tuple(int(each) for each in found[2].split(".")[1:]) if found else ()
    if found is None or found[1] != place.segment or len(numbers) != level or numbers[:-1] != place.numbers:
        raise Untranslatable(f"{name!a} is not a part of {place.segment}")
    if index and level > 1:
        raise Untranslatable(f"{name!a} has an index, which only segments and fields can have")
    repetition = index + 1 if level == 1 else place.repetition
    return Place(place.message, place.segment, numbers, place.occurrence, repetition, place.chosen or chosen)


def _keys(node: Node) -> list[str | int]:
    """The name that an expression begins with and the keys behind it; empty for what is no chain of literals."""
    found: list[str | int] = []
    while isinstance(node, Member):
        if not isinstance(node.key, Text | Number):
            return _refused_if_message(node)
        found.append(node.key.value)
        node = node.of
    return [node.name, *reversed(found)] if isinstance(node, Name) else []


def _refused_if_message(node: Node) -> list[str | int]:
    while isinstance(node, Member):
        node = node.of
    if isinstance(node, Name) and node.name in MESSAGES:
        raise Untranslatable("a place in the message is computed")
    return []


def _grouped(keys: list[str | int]) -> list[tuple[str, int, bool]]:
    """Names with the index behind them, 0 when there is none."""
    found: list[tuple[str, int, bool]] = []
    for key in keys:
        if isinstance(key, str):
            found.append((key, 0, False))
        elif not found or found[-1][2] or key < 0:
            raise Untranslatable("an index stands where none is understood")
        else:
            found[-1] = (found[-1][0], key, True)
    return found
