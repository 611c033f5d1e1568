"""A message that is not HL7 v2: bytes, and what can be read from them."""

from typing import TYPE_CHECKING, Any

from .charsets import codec_for
from .errors import BodyError, EncodeError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TOO_DEEP = "nested too deeply"


class RawMessage:
    """One message of any content, never changed. Its repr shows type and size, never content."""

    __slots__ = ("_codec", "_from_text", "_raw")

    edited = False

    def __init__(self, raw: bytes | str, *, encoding: str = "utf-8") -> None:
        """Take bytes, or text to be encoded in `encoding`.

        CharsetError when `encoding` cannot be used, EncodeError when text has a character that it does not have.
        """
        self._codec = codec_for(encoding)
        self._from_text = isinstance(raw, str)
        self._raw = raw if isinstance(raw, bytes) else _encoded(raw, self._codec)

    @classmethod
    def parse(cls, raw: bytes | str, *, encoding: str = "utf-8") -> "RawMessage":
        """Take a message; see the constructor."""
        return cls(raw, encoding=encoding)

    def __repr__(self) -> str:
        return f"<RawMessage of {len(self._raw)} bytes>"

    @property
    def raw(self) -> bytes:
        """The bytes."""
        return self._raw

    @property
    def charset(self) -> str:
        """Python's name of the character set of its text."""
        return self._codec

    def raw_bytes(self) -> bytes:
        """The bytes."""
        return self._raw

    def encode_bytes(self, encoding: str | None = None) -> bytes:
        """The bytes to send, whatever `encoding` is: those that came in."""
        return self._raw

    def text(self) -> str:
        """The body as text without a byte order mark. BodyError when it is not text in the message's encoding."""
        try:
            return self._raw.decode(self._codec).removeprefix("\ufeff")
        except UnicodeDecodeError as problem:
            at = problem.start
        raise BodyError(f"the body is not {self._codec} at byte {at}")

    def encode(self) -> str:
        """The body as text; see `text`."""
        return self.text()

    def json(self) -> Any:
        """The body read as JSON. BodyError, naming line and column, when it is none."""
        import json

        text = self.text()
        try:
            return json.loads(text)
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
        except RecursionError:
            where = _TOO_DEEP
        except ValueError:
            where = "a number is too long"
        raise BodyError(f"the body is not JSON: {where}")

    def xml(self) -> "Element":
        """The body read as XML; the root element. BodyError when it is none, or has a document type or entities."""
        from xml.etree.ElementTree import ParseError, XMLParser

        _refuse_document_type(self._raw, self._xml_encoding())
        parser = XMLParser(encoding=self._xml_encoding())
        try:
            parser.feed(self._raw)
            root: Element = parser.close()
        except (ParseError, ValueError, LookupError) as problem:
            line, column = getattr(problem, "position", (0, 0))
        else:
            return root
        raise BodyError(f"the body is not XML: line {line}, column {column}")

    def copy(self) -> "RawMessage":
        """The message itself: it never changes."""
        return self

    def _xml_encoding(self) -> str | None:
        return self._codec if self._from_text else None


def _encoded(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as problem:
        at = problem.start
    raise EncodeError(f"{codec} does not have the character {at + 1} of the text")


class _DocumentTypeError(Exception):
    """Found a document type declaration."""


def _refuse_document_type(body: bytes, encoding: str | None) -> None:
    from xml.parsers import expat

    def found(*_: object) -> None:
        raise _DocumentTypeError

    parser = expat.ParserCreate(encoding)
    parser.StartDoctypeDeclHandler = found
    parser.EntityDeclHandler = found
    refused = False
    line, column = 0, 0
    try:
        parser.Parse(body, True)
    except _DocumentTypeError:
        refused = True
    except (expat.ExpatError, ValueError, LookupError):
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber
    else:
        return
    if refused:
        raise BodyError("XML with a document type declaration or entities is refused")
    raise BodyError(f"the body is not XML: line {line}, column {column}")
