"""Laying out one message: its structure decides which segments may stand where, chance which of them do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import TYPE_CHECKING

from . import administration, documents, finance, header, masters, orders, pharmacy, scheduling
from .scene import Scene
from .structures import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .kinds import Kind
    from .structures import Part

WRITERS = {
    **header.WRITERS,
    **administration.WRITERS,
    **finance.WRITERS,
    **orders.WRITERS,
    **pharmacy.WRITERS,
    **scheduling.WRITERS,
    **documents.WRITERS,
    **masters.WRITERS,
}
"""The writer of every segment."""

CONTENTS = {"@results": orders.results, "@document": orders.document}
"""Words of a structure that stand for several segments at once."""

LIKELY = {"PV1": 0.9, "PID": 1.0, "PD1": 0.5, "NK1": 0.6, "ORC": 0.7, "SFT": 0.2, "ACC": 0.15, "MRG": 0.5, "ROL": 0.3}
"""How often an optional segment is there; half the time when nothing is said here."""

MORE = 0.35
"""How often a repetition is followed by another."""

MOST = 5
"""Repetitions at most."""

ONCE = frozenset({"SFT", "ROL"})


@dataclass(frozen=True, slots=True)
class Generated:
    """One message: its segments end in CR, its characters are UTF-8 (MSH-18)."""

    kind: Kind
    number: int
    control_id: str
    text: str

    @property
    def raw(self) -> bytes:
        """The bytes, as MLLP carries them."""
        return self.text.encode()


def series(kinds: Sequence[Kind], seed: int) -> Iterator[Generated]:
    """Messages without end: each kind in turn, numbered from 1. Kind, seed and number alone decide what one says."""
    return (generated(kind, seed, number) for kind, number in zip(cycle(kinds), count(1), strict=False))


def generated(kind: Kind, seed: int, number: int) -> Generated:
    """One message."""
    scene = Scene(kind, seed, number)
    segments = [line for part in layout(kind.structure) for line in _lines(scene, part)]
    return Generated(kind, number, header.control_id(scene), "".join(f"{line}\r" for line in segments))


def _lines(scene: Scene, part: Part) -> Iterator[str]:
    if part.word.startswith("@"):
        yield from _change(scene, part.word)
    elif part.word:
        if part.word != "NTE":
            scene.recount("NTE")
        yield WRITERS[part.word](scene)
    elif not part.optional or scene.chance.random() < LIKELY.get(_first(part), 0.5):
        for _ in range(_times(scene, part)):
            for inner in part.parts:
                yield from _lines(scene, inner)


def _change(scene: Scene, word: str) -> list[str]:
    if word == "@patient":
        scene.another_patient()
    elif word == "@entry":
        scene.another_entry()
    elif word == "@order":
        scene.another_order()
    else:
        return CONTENTS[word](scene)
    return []


def _times(scene: Scene, part: Part) -> int:
    if not part.repeats or _first(part) in ONCE:
        return 1
    return 1 + sum(1 for _ in islice(iter(lambda: scene.chance.random() < MORE, False), MOST - 1))


def _first(part: Part) -> str:
    """The segment that a group begins with."""
    for inner in part.parts:
        found = inner.word if inner.word and not inner.word.startswith("@") else _first(inner)
        if found:
            return found
    return ""
