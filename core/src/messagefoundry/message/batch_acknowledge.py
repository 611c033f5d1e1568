"""The answer to a batch that came in: a batch of acknowledgments (HL7 v2.5.1 §2.10.3.3)."""

from collections.abc import Sequence

from .batch_split import Batch
from .delimiters import Delimiters
from .errors import HeaderError
from .header import peek

_USUAL = b"|", [b"BHS", b"^~\\&", *[b""] * 10]


def acknowledge_batch(batch: Batch, acknowledgments: Sequence[bytes], *, control_id: bytes, timestamp: bytes) -> bytes:
    """BHS, the acknowledgments, each of which ends in CR, and BTS with their number.

    BHS-3 to BHS-6 are the sender's, swapped; BHS-12 is its BHS-11. Without a header of the batch that can be read, that
    of the first message stands in for it. `control_id` becomes BHS-11 and `timestamp` BHS-7.
    """
    separator, theirs = _of_batch(batch) or _of_first(batch) or _USUAL
    ours = (b"BHS", theirs[1], theirs[4], theirs[5], theirs[2], theirs[3], timestamp, b"", b"", b"", control_id)
    return b"%b\r%bBTS%b%d\r" % (
        separator.join((*ours, theirs[10])).rstrip(separator),
        b"".join(acknowledgments),
        separator,
        len(acknowledgments),
    )


def _of_batch(batch: Batch) -> tuple[bytes, list[bytes]] | None:
    header = batch.header
    if header is None:
        return None
    try:
        Delimiters.of(header.separator + header.fields[1][:6])
    except HeaderError:
        return None
    return header.separator, header.fields


def _of_first(batch: Batch) -> tuple[bytes, list[bytes]] | None:
    """As if the first message's MSH were the BHS, without its control id."""
    try:
        header = peek(batch.members[0])
    except (HeaderError, IndexError):
        return None
    return header.separator, [*header.fields[:6], *[b""] * 6]
