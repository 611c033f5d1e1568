"""What listeners and senders have in common: framing and character sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.pytext import Call, quoted
from messagefoundry.message import CharsetError, codec_for

if TYPE_CHECKING:
    from messagefoundry.importing.properties import Properties

FRAMES = ("0B", "1C0D")
"""Bytes before and behind a message in MLLP, as the export writes them."""


def mllp_only(properties: Properties) -> None:
    """Raise Untranslatable unless messages are framed by MLLP, release 1."""
    mode = properties.text("pluginPointName", "MLLP")
    frames = (properties.text("startOfMessageBytes", FRAMES[0]), properties.text("endOfMessageBytes", FRAMES[1]))
    if tuple(each.upper() for each in frames) != FRAMES:
        raise Untranslatable(f"its frames are not those of MLLP ({mode}): Tcp(start=..., end=...) may do")
    if properties.flag("useMLLPv2"):
        raise Untranslatable("it uses MLLP release 2")
    if properties.flag("dataTypeBinary"):
        raise Untranslatable("its data is binary")


def stream_encoding(properties: Properties) -> dict[str, str | Call]:
    """The option `encoding`, for what is neither the server's own character set nor UTF-8."""
    said = properties.encoding()
    if not said:
        properties.differs("charsetEncoding", "the server's own character set there; UTF-8 or MSH-18 here")
        return {}
    try:
        codec = codec_for(said)
    except CharsetError:
        raise Untranslatable(f"its character set {said!a} is not supported") from None
    return {} if codec == codec_for("utf-8") else {"encoding": quoted(said.lower())}
