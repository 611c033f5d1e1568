"""Identifiers as partners want them: of one length, or without what was filled in."""

from __future__ import annotations

from messagefoundry.hl7.values import Text, has_value


def pad(identifier: Text, width: int, *, fill: str = "0") -> Text:
    """`identifier` filled up on the left to `width` characters; a longer one is never cut. Without a value as it is.

    ValueError when `fill` is not one character, or `width` is below 1.

    >>> pad("4711", 8), pad("123456789", 8), pad('""', 8)
    ('00004711', '123456789', '""')
    """
    _check_fill(fill)
    if width < 1:
        raise ValueError("the width of an identifier is at least 1")
    return identifier.rjust(width, fill) if has_value(identifier) else identifier


def unpad(identifier: Text, *, fill: str = "0") -> Text:
    """`identifier` without what it was filled up with on the left; where that is all there is, one stays.

    ValueError when `fill` is not one character.

    >>> unpad("00004711"), unpad("0000"), unpad("ZZ1", fill="Z")
    ('4711', '0', '1')
    """
    _check_fill(fill)
    if not has_value(identifier):
        return identifier
    return identifier.lstrip(fill) or fill


def trim(text: Text) -> Text:
    """`text` without blanks around it and with single ones inside, as fixed-width systems should have sent it.

    >>> trim("  4711 "), trim("VON   BERG"), trim("   ")
    ('4711', 'VON BERG', '')
    """
    return " ".join(text.split()) if has_value(text) else text


def _check_fill(fill: str) -> None:
    if len(fill) != 1:
        raise ValueError("an identifier is filled up with one character")
