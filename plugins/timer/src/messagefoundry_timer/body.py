"""The text of a Timer, judged at load: a mistake in it would else come up at its first run, maybe next month."""

from __future__ import annotations

from messagefoundry.message import (
    BodyError,
    CharsetError,
    DecodeError,
    HeaderError,
    RawMessage,
    is_batch,
    peek,
)
from messagefoundry.message.encoding import text_of

ENCODING = "utf-8"


def fault(body: str, content_type: str) -> tuple[str, str] | None:
    """Why `body` cannot become a message of its content type, with the mend; None when nothing speaks against it."""
    try:
        raw = body.encode(ENCODING)
    except UnicodeEncodeError:
        return "body has half of a surrogate pair, which UTF-8 has not", "remove that character"
    if not body.strip():
        return "body is empty", "write the message into it"
    if content_type == "hl7v2":
        return _hl7_fault(raw)
    return _raw_fault(raw, content_type)


def _hl7_fault(raw: bytes) -> tuple[str, str] | None:
    if is_batch(raw):
        return "body is a batch of HL7 messages", "write one message into it"
    try:
        _, codec = text_of(raw, peek(raw), ENCODING)
    except HeaderError:
        return "body has no MSH that can be read", "begin it with MSH|^~\\&|, or name another content_type"
    except (DecodeError, CharsetError):
        codec = ""
    if codec != ENCODING and not raw.isascii():
        return "body is written in UTF-8, and its MSH-18 says otherwise", "write UNICODE UTF-8 into MSH-18"
    return None


def _raw_fault(raw: bytes, content_type: str) -> tuple[str, str] | None:
    judges = {"json": RawMessage.json, "xml": RawMessage.xml}
    try:
        if content_type in judges:
            judges[content_type](RawMessage(raw, encoding=ENCODING))
    except BodyError:
        return f"body is not {content_type.upper()}", "mend it, or name another content_type"
    return None
