"""MLLP framing (Release 1: VT, content, FS CR) and the few fields that a measurement reads; bytes in, bytes out."""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

START = b"\x0b"
END = b"\x1c\r"


def frame(content: bytes) -> bytes:
    """Wrap one message in its MLLP block."""
    return START + content + END


class Frames:
    """Cuts a byte stream into MLLP contents."""

    __slots__ = ("_last", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._last = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream; return the contents they complete, oldest first. Linear in the bytes."""
        if self._parts:
            if END not in self._last + data:
                self._keep(data)
                return []
            data = b"".join((*self._parts, data))
            self._parts = []
        *blocks, rest = data.split(END)
        if rest:
            self._keep(rest)
        return [block[block.find(START) + 1 :] for block in blocks]

    def _keep(self, data: bytes) -> None:
        """Keep what completes nothing yet; its last byte may be the first of an end."""
        self._parts.append(data)
        self._last = data[-1:]


class Acknowledgment(NamedTuple):
    """MSA-1 and MSA-2 of a reply; both empty when it has no MSA segment."""

    code: str
    control_id: str


def read_acknowledgment(content: bytes) -> Acknowledgment:
    """Read MSA-1 and MSA-2 (HL7 v2.5.1 §2.15.8)."""
    at = content.find(b"\rMSA|")
    if at < 0:
        return Acknowledgment("", "")
    fields = content[at + 5 : at + 120].split(b"\r", 1)[0].decode("latin-1").split("|")
    return Acknowledgment(fields[0], fields[1].strip() if len(fields) > 1 else "")


class Header(NamedTuple):
    """What is read of an MSH segment."""

    receiver: str
    """MSH-5, receiving application"""
    control_id: str
    """MSH-10"""


def read_header(content: bytes) -> Header:
    """Read MSH-5 and MSH-10; fields that are not there are empty."""
    fields = content[: content.find(b"\r")].decode("latin-1").split("|", 10)
    return Header(fields[4] if len(fields) > 4 else "", fields[9] if len(fields) > 9 else "")


def acknowledge(control_id: str, code: str = "AA") -> bytes:
    """Return the framed reply to the message with that MSH-10."""
    return (
        f"\x0bMSH|^~\\&|SINK|HARNESS|||{timestamp()}||ACK|A{control_id}|T|2.5.1\rMSA|{code}|{control_id}\r\x1c\r"
    ).encode("latin-1")


def acknowledge_each(batch_id: str, answers: Iterable[tuple[str, str]]) -> bytes:
    """Return the framed batch of replies to the batch with that BHS-11: of each message its MSH-10 and MSA-1."""
    replies = [acknowledge(*answer)[len(START) : -len(END)] for answer in answers]
    header = f"BHS|^~\\&|SINK|HARNESS|||{timestamp()}||||A{batch_id}|{batch_id}\r".encode("latin-1")
    return frame(header + b"".join(replies) + f"BTS|{len(replies)}\r".encode())


def timestamp() -> str:
    """Return the present local time as an HL7 TS to the second."""
    return _timestamp_of(int(time.time()))


@lru_cache(maxsize=2)
def _timestamp_of(second: int) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.localtime(second))
