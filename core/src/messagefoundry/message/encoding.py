"""Between the bytes of a message and its text, with errors that name the place."""

from . import charsets
from .errors import DecodeError, EncodeError
from .header import Header, peek
from .lines import place

_BOM = b"\xef\xbb\xbf"


def text_of(raw: bytes, header: Header, encoding: str) -> tuple[str, str]:
    """Text from MSH on, and the codec in which it was read. DecodeError when no character set fits."""
    start = header.start
    try:
        return charsets.decode(
            raw[start:] if start else raw, header.character_set, encoding, bom=start > 0 and _BOM in raw[:start]
        )
    except UnicodeDecodeError as problem:
        codec, before = problem.encoding, problem.object[: problem.start]
    where = place(before.decode(codec, "replace"), header.delimiters.field)
    raise DecodeError(f"not {codec} at byte {start + len(before)}, in {where}")


def bytes_of(text: str, codec: str, separator: str) -> bytes:
    """The bytes of `text`. EncodeError, naming segment and field, for a character that `codec` does not have."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError as problem:
        where = place(text[: problem.start], separator)
    raise EncodeError(f"{codec} does not have a character that stands in {where}")


def raw_of(text: str, encoding: str) -> bytes:
    """The bytes that a message given as text stands for: in the character set of MSH-18 if it can, else `encoding`.

    DecodeError when they would not be read as the same text again.
    """
    text = text.removeprefix("\ufeff")
    header = peek(text.encode("utf-8", "surrogatepass"))
    declared = charsets.codec_of_table_0211(header.character_set)
    for codec in filter(None, (declared, charsets.codec_for(encoding))):
        try:
            raw = text.encode(codec)
            again, _ = charsets.decode(raw, header.character_set, encoding)
        except UnicodeError:
            continue
        if again == text:
            return raw
    raise DecodeError("the text has characters that neither the character set of MSH-18 nor `encoding` can carry")
