"""Character sets: HL7 table 0211 and Python's codecs, for messages that come in and go out."""

import codecs
from functools import lru_cache

from .errors import CharsetError

_TABLE_0211 = {
    "UNICODE UTF-8": "utf-8",
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "JIS X 0202": "iso2022_jp_2",
    "ISO IR14": "shift_jis",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "ISO IR6": "ascii",
    "JAS2020": "iso2022_jp",
}
_ALSO_SEEN = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "US-ASCII": "ascii",
    "ISO-8859-1": "iso8859-1",
    "ISO8859-1": "iso8859-1",
    "ISO-8859-15": "iso8859-15",
    "WINDOWS-1252": "cp1252",
}
_FORBIDDEN = ("UNICODE UTF-16", "UNICODE UTF-32", "UTF-16", "UTF-32")
_CODECS = _TABLE_0211 | _ALSO_SEEN
_NAMES: dict[str, str] = {}
for _name, _codec in _TABLE_0211.items():
    _NAMES.setdefault(_codec, _name)

_SAME_BYTES = "\r" + "".join(map(chr, range(0x20, 0x7F)))


@lru_cache(maxsize=64)
def codec_for(encoding: str) -> str:
    """Python's name of the codec that a setting calls `encoding`.

    CharsetError when it is unknown, or when ASCII would not stay ASCII in it: UTF-16, UTF-32, EBCDIC and
    the like cannot travel over MLLP, which forbids bytes below 0x20 except CR.
    """
    try:
        name = codecs.lookup(encoding).name.removesuffix("-sig")
        usable = _SAME_BYTES.encode(name) == _SAME_BYTES.encode("ascii")
    except (LookupError, ValueError, TypeError):
        name, usable = "", False
    if not name:
        raise CharsetError("unknown character set: `encoding` takes a name such as 'utf-8' or 'iso-8859-1'")
    if not usable:
        raise CharsetError(f"{name} cannot carry HL7 v2: ASCII must stay ASCII in it (UTF-16 and UTF-32 are refused)")
    return name


@lru_cache(maxsize=64)
def codec_of_table_0211(declared: bytes) -> str | None:
    """The codec of one value of MSH-18; None when the value is unknown. CharsetError for UTF-16 and UTF-32."""
    name = declared.decode("latin-1").strip().upper()
    if name in _FORBIDDEN:
        raise CharsetError("MSH-18 declares UTF-16 or UTF-32, which HL7 v2 over MLLP cannot carry")
    return _CODECS.get(name)


def table_0211_name(codec: str) -> str:
    """What MSH-18 says for a Python codec; "" when table 0211 has no name for it."""
    return _NAMES.get(codec, "")


def decode(body: bytes, declared: bytes, encoding: str, *, bom: bool = False) -> tuple[str, str]:
    """Text and codec of a message: `declared` (first repetition of MSH-18) when known and it decodes, else `encoding`.

    A UTF-8 byte order mark (`bom`) stands before `encoding`. UnicodeDecodeError when nothing fits.
    """
    known = codec_of_table_0211(declared) if declared else None
    if known is None and not bom:
        codec = codec_for(encoding)
        return body.decode(codec), codec
    for codec in filter(None, (known, "utf-8" if bom else None)):
        try:
            return body.decode(codec), codec
        except UnicodeDecodeError:
            continue
    codec = codec_for(encoding)
    return body.decode(codec), codec
