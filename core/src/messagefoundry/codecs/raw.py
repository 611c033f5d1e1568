"""JSON, XML, text and binary: a RawMessage that goes on as it came. Nothing is answered over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.codecs import Summary
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import AcknowledgmentMode, BodyError, RawMessage, Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Callable


class RawCodec:
    """The codec of one content type whose messages are RawMessages. `judge` reads the body and may raise BodyError."""

    def __init__(self, judge: Callable[[RawMessage], object]) -> None:
        self._judge = judge

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        """See that the body is what its content type says."""
        summary = Summary(encoding=encoding)
        try:
            self._judge(RawMessage(raw, encoding=encoding))
        except BodyError:
            raise Refused(Refusal(RefusalKind.UNPARSABLE), summary) from None
        return summary

    def parse(self, raw: bytes, *, encoding: str) -> RawMessage:
        """The message."""
        return RawMessage(raw, encoding=encoding)

    def acknowledge(
        self,
        raw: bytes,
        summary: Summary | None,
        refusal: Refusal | None,
        mode: AcknowledgmentMode,
        *,
        control_id: bytes,
        timestamp: bytes,
    ) -> tuple[str, bytes | None]:
        """No answer: none of these has one of its own."""
        return "", None


JSON = RawCodec(RawMessage.json)
XML = RawCodec(RawMessage.xml)
TEXT = RawCodec(RawMessage.text)
BINARY = RawCodec(lambda message: message)
