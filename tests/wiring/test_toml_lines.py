"""Where things stand in a TOML file, whatever is written around them."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.wiring.toml_lines import Lines, names, statements

ODD = """\
# [[inbound]] in a comment
title = "[not] a = header # nor a comment"
many = \"\"\"
[[inbound]]
name = 1 \\
\"\"\"

literal = '''
a = 1''''
list = [
  1, # one ]
  { a = "}" , b = [2]},
]
[[inbound]] # the first
name = "A"
"quoted \\" key".'and.dotted' . plain = 1
  [ inbound . settings ]
  port = 1
[[inbound.windows]]
day = 0
[[inbound.windows]]
day = 1
[[outbound]]
name = "B"
[inbound.metadata]
owner = "x"
[[inbound]]
name = "C"
"""


def test_every_key_and_table_has_its_line() -> None:
    tomllib.loads(ODD)
    lines = Lines.of(ODD)

    def at(*path: str | int) -> str:
        return ODD.splitlines()[lines.line(path) - 1].strip()

    assert at("title").startswith("title")
    assert at("literal") == "literal = '''"
    assert at("list") == "list = ["
    assert at("inbound", 0) == "[[inbound]] # the first"
    assert at("inbound", 0, "name") == 'name = "A"'
    assert at("inbound", 0, 'quoted " key', "and.dotted", "plain").endswith("plain = 1")
    assert at("inbound", 0, "settings", "port") == "port = 1"
    assert at("inbound", 0, "windows", 1, "day") == "day = 1"
    assert at("inbound", 0, "metadata", "owner") == 'owner = "x"'
    assert at("outbound", 0, "name") == 'name = "B"'
    assert at("inbound", 1, "name") == 'name = "C"'


def test_what_has_no_line_has_that_of_the_table_around_it() -> None:
    lines = Lines.of(ODD)
    assert lines.line(("inbound", 0, "settings", "host")) == lines.line(("inbound", 0, "settings"))
    assert lines.line(("inbound", 1, "settings", "host")) == lines.line(("inbound", 1))
    assert lines.line(("list", 1, "a")) == lines.line(("list",))
    assert lines.line(("nothing",)) == 0


KEYS = st.sampled_from(["port", "a-b", '"a b"', "'x.y'", "settings.port", '"#"."="'])
TEXTS = st.text(st.sampled_from("ab[]{}#=\"\n\\\r '"), max_size=8)


def basic(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'


def multi_line(text: str) -> str:
    return '"""\n' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r") + '"""'


VALUES = st.recursive(
    st.one_of(st.integers().map(str), TEXTS.map(basic), TEXTS.map(multi_line)),
    lambda inner: st.lists(inner, max_size=3).map(lambda each: "[ # ]\n" + ",\n".join(each) + "\n]"),
    max_leaves=4,
)
COMMENTS = st.sampled_from(["", "  # said", "\t# [x] = '"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[tuple[tuple[str | int, ...], int]]]:
    """A document, and the line of every key in it."""
    text, counts = "", {"inbound": -1, "outbound": -1}
    expected: list[tuple[tuple[str | int, ...], int]] = []
    end = draw(st.sampled_from(["\n", "\r\n"]))
    for _ in range(draw(st.integers(1, 5))):
        text += draw(st.sampled_from(["", end, f"# [[inbound]]{end}{end}"]))
        kind = draw(st.sampled_from(["inbound", "outbound"]))
        counts[kind] += 1
        text += f"[[{kind}]]{draw(COMMENTS)}{end}"
        for key in draw(st.lists(KEYS, unique_by=lambda key: key.partition(".")[0], max_size=4)):
            expected.append(((kind, counts[kind], *names(key)), text.count("\n") + 1))
            text += f"{key} = {draw(VALUES)}{draw(COMMENTS)}{end}"
    return text, expected


@given(documents())
def test_lines_of_any_document(document: tuple[str, list[tuple[tuple[str | int, ...], int]]]) -> None:
    text, expected = document
    tomllib.loads(text)
    lines = Lines.of(text)
    assert [lines.by_path[path] for path, _ in expected] == [line for _, line in expected]
    assert "".join(each.text for each in statements(text)) == text
