"""The template of outgoing file names: text, MSH-3..12 and ids. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from messagefoundry_file.naming import LONGEST, cleaned, safe_name

FieldReader = Callable[[int, int], bytes]
"""Gives MSH-`number`, or one component of it (0: the whole field); b"" when it is empty or there is no MSH."""

IdName = Literal["message_id", "work_id"]

_BRACED = re.compile(r"\{([^{}]*)\}")
_MSH = re.compile(r"MSH-([1-9]\d?)(?:\.([1-9]\d?))?")
_UNSAFE = re.compile(r"""[/\\<>:"|?*{}\x00-\x1f\x7f-\x9f\ud800-\udfff]""")
_LONGEST_TEMPLATE = LONGEST // 2
_CONTROL_ID = 10


class TemplateError(ValueError):
    """A template of file names cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Text:
    """A part of a name that is the author's own."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A part that is MSH-`number`; `component` 0 is the whole field."""

    number: int
    component: int = 0


@dataclass(frozen=True, slots=True)
class Id:
    """A part that is one of the item's ids."""

    name: IdName


Part = Text | Field | Id
_IDS = {"message_id": Id("message_id"), "work_id": Id("work_id")}


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one item."""

    message_id: int
    work_id: int


@dataclass(frozen=True, slots=True)
class Template:
    """A file name in parts."""

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, template: str) -> Template:
        """Read a template such as `{MSH-4}-{MSH-10}.hl7`. Raises TemplateError."""
        if not template.strip() or len(template) > _LONGEST_TEMPLATE:
            raise TemplateError(f"a template of file names has 1 to {_LONGEST_TEMPLATE} characters")
        if template.startswith("."):
            raise TemplateError("a name that begins with a dot is hidden from most readers")
        pieces = enumerate(_BRACED.split(template))
        return cls(tuple(_token(piece) if place % 2 else _text(piece) for place, piece in pieces if place % 2 or piece))

    def name(self, read: FieldReader, ids: Ids) -> str:
        """The file name of one item: never empty, hidden, or a path; at most LONGEST bytes of UTF-8.

        An empty MSH-10 becomes the message id; a name that would begin with a dot begins with the message id instead.
        """
        filled = [_fill(part, read, ids) for part in self.parts]
        wanted = "".join(text for _, text in filled)
        name = "".join(text if trusted else cleaned(text) for trusted, text in filled)
        if not name.partition(".")[0].strip():
            name, wanted = f"{ids.message_id}{name.strip()}", f"{ids.message_id}{wanted.strip()}"
        return safe_name(name, wanted)


def _text(literal: str) -> Text:
    if unsafe := _UNSAFE.search(literal):
        raise TemplateError(f"{unsafe.group()!r} cannot stand in a file name")
    return Text(literal)


def _token(token: str) -> Field | Id:
    if token in _IDS:
        return _IDS[token]
    found = _MSH.fullmatch(token)
    if not found:
        raise TemplateError(f"{{{token[:40]}}} is not a token")
    if not 3 <= int(found[1]) <= 12:
        raise TemplateError(f"{{{token}}}: of a message, only MSH-3 to MSH-12 may stand in a file name")
    return Field(int(found[1]), int(found[2] or 0))


def _fill(part: Part, read: FieldReader, ids: Ids) -> tuple[bool, str]:
    if isinstance(part, Text):
        return True, part.text
    if isinstance(part, Id):
        return True, str(getattr(ids, part.name))
    value = read(part.number, part.component).strip().decode("latin-1")
    if not value and part.number == _CONTROL_ID:
        return True, str(ids.message_id)
    return False, value
