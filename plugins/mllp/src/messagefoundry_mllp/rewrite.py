"""Writing an outgoing message as a partner insists on it."""

from __future__ import annotations

import re

from messagefoundry.message import Delimiters, Message


def rewrite(payload: bytes, *, encoding: str, characters: str | None, raw_separators: bool) -> bytes:
    r"""The message with MSH-1 and MSH-2 as in `characters`.

    With `raw_separators`, `\F\`, `\S\`, `\R\`, `\T\` and `\E\` become the characters they stand for. `encoding` is the
    character set of a message that names none. A message that needs no change keeps its bytes. Raises MessageError.
    """
    message = Message(payload, encoding=encoding)
    if characters:
        message.redelimit(characters)
    if not raw_separators:
        return message.encode_bytes()
    text = message.encode()
    written = _unescaped(text, message.delimiters)
    return message.encode_bytes() if written == text else written.encode(message.charset)


def _unescaped(text: str, delimiters: Delimiters) -> str:
    escape = re.escape(delimiters.escape)
    meaning = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition,
        "T": delimiters.subcomponent,
        "E": delimiters.escape,
    }
    if not escape:
        return text
    return re.sub(f"{escape}([FSRTE]){escape}", lambda found: meaning[found[1]] or found[0], text)
