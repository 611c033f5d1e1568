r"""Escape sequences (HL7 v2.5.1 §2.7): between the notation that stands in a message and the text it means.

`\F\ \S\ \T\ \R\ \E\` and `\X..\` are decoded. `\H\ \N\ \P\ \Z..\ \C..\ \M..\`, formatting commands and unknown
sequences are text like any other, in both directions; a backslash that opens no sequence is data.
For every text `decode(encode(text)) == text`.
"""

import re
from functools import lru_cache

from .delimiters import Delimiters
from .errors import EditError

_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")
_COMMAND_WITH_BLANK = r"\.[A-Za-z]+ [-+]?[0-9]*"
_CONTROL = r"\x00-\x08\x0a-\x1f"
_CONTROLS = re.compile(f"[{_CONTROL}]")
_NOTHING: frozenset[str] = frozenset()


class Escapes:
    """The escaping of one set of delimiters in one character set."""

    __slots__ = ("_characters", "_codes", "_escape", "_reserved", "_sequence", "_special", "codec", "delimiters")

    def __init__(self, delimiters: Delimiters, codec: str) -> None:
        """Compile the patterns; use `escapes_of`, which keeps them."""
        self.delimiters = delimiters
        self.codec = codec
        self._escape = escape = delimiters.escape
        self._characters = {
            code: character
            for code, character in (
                ("F", delimiters.field),
                ("S", delimiters.component),
                ("T", delimiters.subcomponent),
                ("R", delimiters.repetition),
                ("E", escape),
            )
            if character
        }
        self._codes = {character: code for code, character in self._characters.items()}
        reserved = "".join(map(re.escape, self._codes))
        self._reserved = tuple(self._codes)
        content = rf"[^\s{reserved}{_CONTROL}]+"
        if not self._codes.keys() & {".", "+", "-"}:
            content = rf"{_COMMAND_WITH_BLANK}|{content}"
        sequence = f"{re.escape(escape)}({content}){re.escape(escape)}" if escape else r"(?!)()"
        self._sequence = re.compile(sequence)
        self._special = re.compile(f"{sequence}|[{reserved}{_CONTROL}]")

    def plain(self, text: str) -> bool:
        """Whether `text` is its own notation everywhere: no delimiter, no escape, no control character but TAB."""
        for character in self._reserved:
            if character in text:
                return False
        return text.isprintable() or _CONTROLS.search(text) is None

    def decode(self, notation: str, *, keep: frozenset[str] = _NOTHING) -> str:
        """The text that `notation` means. Sequences whose code is in `keep` stay as they are."""
        if not self._escape or self._escape not in notation:
            return notation

        def meaning(found: re.Match[str]) -> str:
            content = found[1]
            character = None if content in keep else self._meaning(content)
            return found[0] if character is None else character

        return self._sequence.sub(meaning, notation)

    def encode(self, text: str, *, structure: str = "", keep: frozenset[str] = _NOTHING) -> str:
        """The notation for `text`. Characters of `structure` and sequences with a code in `keep` stay as they are.

        Delimiters and control characters other than TAB are escaped, CR and LF among them, so that no text can
        begin a segment. EditError when something must be escaped and the message declares no escape character.
        """
        if self.plain(text):
            return text

        def written(found: re.Match[str]) -> str:
            content = found[1]
            if content is None:
                return found[0] if found[0] in structure else self._escaped(found[0])
            if content in keep or self._meaning(content) is None:
                return found[0]
            return f"{self._escaped(self._escape)}{content}{self._escaped(self._escape)}"

        return self._special.sub(written, text)

    def translate(self, notation: str, source: "Escapes") -> str:
        """`notation` of another message (`source`), written for this one: the same structure, the same text.

        The notation itself where delimiters and character set are the same.
        """
        if source is self or (source.delimiters == self.delimiters and not self._depends_on_codec(notation, source)):
            return notation
        roles = dict(zip(source.delimiters[1:5], self.delimiters[1:5], strict=True))
        roles.pop(source.delimiters.escape, None)

        def written(found: re.Match[str]) -> str:
            content = found[1]
            if content is None:
                return self._separator(found[0], roles)
            meaning = source._meaning(content)
            if meaning is None:
                return f"{self._escape}{content}{self._escape}" if self._writable(content) else self.encode(found[0])
            return self.encode(meaning)

        parts: list[str] = []
        end = 0
        for found in source._special.finditer(notation):
            parts += (self.encode(notation[end : found.start()]), written(found))
            end = found.end()
        parts.append(self.encode(notation[end:]))
        return "".join(parts)

    def _depends_on_codec(self, notation: str, source: "Escapes") -> bool:
        return source.codec != self.codec and f"{self._escape}X" in notation

    def _separator(self, character: str, roles: dict[str, str]) -> str:
        return roles.get(character) or self.encode(character)

    def _writable(self, content: str) -> bool:
        return bool(self._escape) and self.plain(content)

    def _meaning(self, content: str) -> str | None:
        character = self._characters.get(content)
        if character is None and _HEX.fullmatch(content):
            try:
                return bytes.fromhex(content[1:]).decode(self.codec)
            except UnicodeDecodeError:
                return None
        return character

    def _escaped(self, character: str) -> str:
        if not self._escape:
            raise EditError("the text needs an escape sequence, and MSH-2 of this message declares no escape character")
        code = self._codes.get(character) or f"X{ord(character):02X}"
        return f"{self._escape}{code}{self._escape}"


@lru_cache(maxsize=64)
def escapes_of(delimiters: Delimiters, codec: str) -> Escapes:
    """The Escapes of these delimiters and this codec, kept for the next message that has the same."""
    return Escapes(delimiters, codec)
