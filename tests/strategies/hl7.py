"""HL7 v2 messages: valid, nearly valid, and no messages at all; and the texts that are written into them."""

from __future__ import annotations

from hypothesis import strategies as st

from messagefoundry.message import Refusal, RefusalKind
from messagefoundry.message.acknowledge import ErrorLocation

# Characters that mean something, sequences that nearly do, and a few that do not.
PIECES = [*"|^~\\&#:*%!$\r\n\t\x0b\x1c\0é山\x85\u2028 aB", '""', "MSH|", "\rMSH|^~\\&|"]
CODES = ["F", "S", "T", "R", "E", "H", "X41", "X0D", "XFF", "Xe9", ".br", ".sp+3", "Zq", "C2842", "P", "unknown"]
ESCAPES = ["\\\\", "\\.sp 3\\", *(f"\\{code}\\" for code in CODES)]
texts = st.lists(st.sampled_from(PIECES + ESCAPES), max_size=8).map("".join) | st.text(max_size=20)
"""What a Handler may write: no notation, any text."""
notations = st.lists(st.sampled_from([*"^~&\\ab é", "\t", "\x0b", '""', *ESCAPES]), max_size=8).map("".join)
"""What may stand between two field separators."""
lines = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(["PID", "OBX", "NTE", "ZZ1", "OBR", "bad", "", "X", "OB"]),
    st.lists(notations, max_size=5),
)

CHARACTER_SETS = {
    "": ("utf-8", "aé山"),
    "UNICODE UTF-8": ("utf-8", "aé山"),
    "ASCII": ("ascii", "a~"),
    "8859/1": ("iso8859-1", "aéÿ"),
    "8859/5": ("iso8859-5", "aЖ"),
    "8859/15": ("iso8859-15", "a€"),
    "ISO IR87": ("iso2022_jp", "a山川"),
    "GB 18030-2000": ("gb18030", "a山\u20ac"),
    "KS X 1001": ("euc_kr", "a한글"),
    "BIG-5": ("big5", "a山"),
    "WINDOWS-1252": ("cp1252", "a€"),
}
"""MSH-18, Python's name of the codec, and characters that it has."""


@st.composite
def raw_messages(draw: st.DrawFn) -> bytes:
    """Messages with odd line ends, delimiters, segments and escapes."""
    msh2 = draw(st.sampled_from(["^~\\&", "^~\\&#", "^~\\", "^~", "^", "^~\\\\&"]))
    header = "|".join(["MSH", msh2, *draw(st.lists(notations, max_size=12))])
    end = draw(st.sampled_from(["\r", "\n", "\r\n"]))
    text = end.join([header, *draw(st.lists(lines, max_size=6))])
    return (draw(st.sampled_from(["", "\ufeff", "\n"])) + text + end * draw(st.integers(0, 2))).encode()


messages = raw_messages()
starts = st.sampled_from([b"MSH|^~\\&|", b"MSH", b"MSH|", b"\xef\xbb\xbfMSH|^", b"\x0bMSH|^~\\&|||", b"BHS|^~\\&|"])
garbage = st.binary(max_size=60) | st.builds(bytes.__add__, starts, st.binary(max_size=60))


@st.composite
def damaged_messages(draw: st.DrawFn) -> bytes:
    """Messages of which a part is missing, doubled or overwritten."""
    raw = draw(messages)
    begin, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
    return raw[:begin] + draw(st.sampled_from([b"", raw[begin:end] * 2]) | st.binary(max_size=6)) + raw[end:]


anything = garbage | messages | damaged_messages()
"""What may arrive."""

punctuation = st.sampled_from("!#$%&()*+,-./:;<=>?@[]^_`{|}~\\")
delimiters = st.lists(punctuation, min_size=5, max_size=6, unique=True).map("".join)
"""MSH-1 and MSH-2, all roles declared."""

typed_parts = st.text(st.sampled_from("ADTORUK0123456789^.~& |é"), max_size=12)


@st.composite
def headed_messages(draw: st.DrawFn) -> bytes:
    """Messages whose MSH says what an acknowledgment depends on, with any delimiters."""
    field, rest = (characters := draw(delimiters))[0], characters[1:]
    wanted = st.sampled_from(["", "AL", "NE", "SU", "ER", "XX"])
    fields = [draw(texts) for _ in range(6)]
    fields += [draw(st.sampled_from(["ADT^A01", "ACK", "ACK^A01", "MCF", ""]) | typed_parts)]
    fields += [draw(texts), "P", draw(st.sampled_from(["2.5.1", "2.1", "2.3", "2.3.1", "2.8", "", "x"]) | typed_parts)]
    fields += ["", "", draw(wanted), draw(wanted), "", draw(st.sampled_from(["", "UNICODE UTF-8", "8859/1"]))]
    plain = [text.translate(dict.fromkeys(map(ord, field + "\r\n"))) for text in fields]
    return (field.join(["MSH" + field + rest, *plain]) + "\r" + draw(lines) + "\r").encode("utf-8", "replace")


@st.composite
def declared_messages(draw: st.DrawFn) -> bytes:
    """Messages in the character set that their MSH-18 names."""
    name, (codec, characters) = draw(st.sampled_from(list(CHARACTER_SETS.items())))
    values = draw(st.lists(st.text(st.sampled_from(characters), max_size=6), min_size=1, max_size=4))
    return f"MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5||||||{name}\rPID|{'|'.join(values)}\r".encode(codec)


refusals = st.builds(
    Refusal,
    st.sampled_from(list(RefusalKind)),
    st.none()
    | st.builds(
        ErrorLocation, st.sampled_from(["", "PID", "ZZ1", "pid", "PID|"]), *[st.none() | st.integers(0, 999)] * 5
    ),
)
"""Verdicts against a message."""
