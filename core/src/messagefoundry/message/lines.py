"""The segments of a message as lines of notation, and the names of places in it."""

import re

_BEFORE = "\ufeff\x0b\r\n\t "
_FRAME_END = "\x1c"
HEADERS = frozenset(("MSH", "BHS", "FHS"))
"""The segments whose first field is the field separator itself."""

_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")


def normalised(text: str) -> str:
    """`text` with CR between segments and nothing of a frame or a byte order mark around it."""
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not text.startswith("MSH"):
        text = text.lstrip(_BEFORE)
    if text.endswith((_FRAME_END, _FRAME_END + "\r")):
        text = text.removesuffix("\r").removesuffix(_FRAME_END)
    return text


def place(before: str, separator: str) -> str:
    """The name of the place that follows the text `before`: the segment's id, its number, the field's number."""
    segments = [line for line in normalised(before + "\0").split("\r") if line]
    line = segments[-1]
    head = line[:3]
    name = f"segment {len(segments)}"
    if not _SEGMENT.fullmatch(head):
        return name
    field = line.count(separator) + (head in HEADERS)
    return f"{name} ({head}), field {field}"


def identifier(line: str | list[str], separator: str) -> str:
    """What a segment, split at its fields or not, begins with: at most three characters before the first separator."""
    return line[:3].partition(separator)[0] if isinstance(line, str) else line[0][:3]


def places(lines: list[str | list[str]], separator: str) -> dict[str, list[int]]:
    """Where the segments of each id stand; lines that begin with no id and separator are left out."""
    found: dict[str, list[int]] = {}
    ends = ("", separator)
    for number, line in enumerate(lines):
        if isinstance(line, list):
            name = line[0]
        elif line[3:4] in ends:
            name = line[:3]
        else:
            continue
        found.setdefault(name, []).append(number)
    return found
