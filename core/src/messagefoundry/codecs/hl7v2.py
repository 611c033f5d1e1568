"""HL7 v2: judged by its MSH and character set on receipt, parsed lazily for Routers and Handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.contracts.codecs import Members, Summary
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import (
    ACCEPTED,
    AcknowledgmentMode,
    BatchError,
    CharsetError,
    DecodeError,
    Header,
    HeaderError,
    Message,
    Refusal,
    RefusalKind,
    acknowledge,
    acknowledge_batch,
    first_message,
    for_log,
    is_batch,
    peek,
    split_batch,
)
from messagefoundry.message.encoding import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MSA = b"\rMSA"


class Hl7v2Codec:
    """The codec of the content type `hl7v2`; answers are those of HL7 v2.5.1 §2.9.2 and §2.9.3."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        """Read MSH and see that the message decodes: what costs more is left to Routers and Handlers."""
        header = _header_of(raw)
        if is_batch(raw):
            raise Refused(Refusal(RefusalKind.BATCH), _known(header, encoding))
        if header is None:
            raise Refused(Refusal(RefusalKind.NO_HEADER))
        try:
            _, codec = text_of(raw, header, encoding)
        except (DecodeError, CharsetError):
            raise Refused(Refusal(RefusalKind.UNDECODABLE), _summary(header, encoding)) from None
        return _summary(header, codec)

    def parse(self, raw: bytes, *, encoding: str) -> Message:
        """The message."""
        return Message(raw, encoding=encoding)

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
        """The acknowledgment on receipt and its MSA-1."""
        header = summary.header if summary is not None else _header_of(raw)
        verdict = ACCEPTED if refusal is None else refusal
        reply = acknowledge(header, mode, verdict, control_id=control_id, timestamp=timestamp)
        if reply is None:
            return "", None
        code = reply.index(_MSA) + len(_MSA) + 1
        return reply[code : code + 2].decode("ascii"), reply

    def split(self, raw: bytes, *, encoding: str) -> Members:
        """The messages of a batch; a byte order mark before it says that they are in UTF-8."""
        try:
            batch = split_batch(raw)
        except BatchError as error:
            header = _header_of(raw)
            raise Refused(error.refusal, _known(header, encoding), str(error)) from None
        control_id = for_log(batch.header.fields[10]) if batch.header is not None else ""
        return Members(batch.members, "utf-8" if batch.utf8 else encoding, control_id, batch)

    def acknowledge_batch(
        self, members: Members, acknowledgments: Sequence[bytes], *, control_id: bytes, timestamp: bytes
    ) -> bytes:
        """A batch of acknowledgments (§2.10.3.3)."""
        return acknowledge_batch(members.envelope, acknowledgments, control_id=control_id, timestamp=timestamp)


def _header_of(raw: bytes) -> Header | None:
    """The MSH to answer to; of a batch, which begins with FHS or BHS, that of its first message."""
    try:
        return peek(raw)
    except HeaderError:
        first = first_message(raw)
    try:
        return peek(raw[first:]) if first > 0 else None
    except HeaderError:
        return None


def _known(header: Header | None, encoding: str) -> Summary | None:
    return _summary(header, encoding) if header is not None else None


def _summary(header: Header, encoding: str) -> Summary:
    return Summary(header.for_log(10), header.for_log(9), encoding, header)


HL7V2 = Hl7v2Codec()
