"""The characters that MSH-1 and MSH-2 declare (HL7 v2.5.1 §2.5.4)."""

from functools import lru_cache
from typing import NamedTuple

from .errors import HeaderError


class Delimiters(NamedTuple):
    """The delimiters of one message, each one character or "" when the message declares none.

    `encoding_characters` is MSH-2 as it stands. A character declared twice counts for its first role only.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""
    encoding_characters: str = "^~\\&"

    @classmethod
    def of(cls, characters: str | bytes) -> "Delimiters":
        r"""Read MSH-1 followed by MSH-2, such as `|^~\&`: two to six characters.

        HeaderError when there are fewer or more, or when one is a letter, a digit, a space, a control
        character or outside ASCII.
        """
        return _read(characters if isinstance(characters, str) else characters.decode("latin-1"))


@lru_cache(maxsize=64)
def _read(characters: str) -> Delimiters:
    if not 2 <= len(characters) <= 6:
        raise HeaderError("MSH-2 must declare one to five encoding characters")
    if any(not "!" <= character <= "~" or character.isalnum() for character in characters):
        raise HeaderError("MSH-1 and MSH-2 must be printable ASCII characters, neither letters nor digits")
    if characters[0] in characters[1:]:
        raise HeaderError("MSH-2 must not repeat MSH-1")
    roles = ["" if role in characters[:place] else role for place, role in enumerate(characters)]
    field, component, repetition, escape, subcomponent, truncation = roles + [""] * (6 - len(roles))
    return Delimiters(field, component, repetition, escape, subcomponent, truncation, characters[1:])


DEFAULT = Delimiters()
