"""Any change to any file of Connections: what was asked for happens, and no other line is touched."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from messagefoundry.wiring.connections_edit import merged, removed, upserted
from messagefoundry.wiring.connections_file import Kind, read_written

SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.text(st.sampled_from("ab\"'\\\n#é ="), max_size=5))
REFERENCES = st.builds(lambda key: {"env": key}, st.sampled_from(["a", "b_c"]))
PLAIN = st.one_of(SCALARS, REFERENCES, st.lists(SCALARS, max_size=2), st.lists(REFERENCES, min_size=1, max_size=2))
TABLES = st.dictionaries(st.sampled_from(["port", "host", "a b", "AE"]), st.none() | PLAIN, min_size=1, max_size=3)
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "transport": st.sampled_from(["MLLP", "File"]),
        "router": st.none() | REFERENCES | st.just("adt"),
        "simulate": st.none() | st.booleans(),
        "settings": st.none() | TABLES,
        "metadata": st.none() | TABLES,
    },
)

BLOCKS = {
    ("inbound", "IB_1"): '# one\n[[inbound]] # a\nname = "IB_1"\ntransport = "MLLP"\n# why\nrouter = "adt" # r\n\n'
    "[inbound.settings]\nport = 1 # p\n# last\n",
    ("outbound", "OB_1"): '[[outbound]]\nname = "OB_1"\nsettings = { port = { env = "a" }, host = "h" } # s\n',
    ("outbound", "OB_2"): '[[outbound]]\nname = "OB_2"\nsettings.port = 1\nsettings.host = """\nlong""" # l\n',
    ("inbound", "IB_2"): "  [[inbound]]\n  name = 'IB_2'\n  simulate = true\n"
    "  [inbound.metadata]\n  AE = [\n 1, # 1\n ]\n",
}


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[tuple[str, str]], str, dict[str, Any]]:
    """The order of the tables, what is between them, and a patch."""
    order = draw(st.permutations(list(BLOCKS)))
    return order, draw(st.sampled_from(["", "\n", "\n\n# between\n\n"])), draw(PATCHES)


def text_of(order: list[tuple[str, str]], between: str) -> str:
    return "# head\n\n" + between.join(BLOCKS[each] for each in order)


def entries(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(kind, each["name"]): filled(each) for kind, many in tomllib.loads(text).items() for each in many}


def filled(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without parts that are empty."""
    return {key: value for key, value in entry.items() if value != {}}


def pieces(text: str, but: tuple[str, str]) -> str:
    """A text without the lines of one table."""
    begin = text.index(BLOCKS[but])
    return text[:begin] + text[begin + len(BLOCKS[but]) :]


def words_of(patch: dict[str, Any]) -> list[str]:
    """What stands in every line that a patch may touch."""
    inner = [key for each in patch.values() if isinstance(each, dict) for key in each]
    gone = ["port", "host", "long", "AE", "1", "]", "# last"] if None in patch.values() else []
    return [*patch, *inner, *gone, *(["1", "]"] if "AE" in inner else []), *(["long"] if "host" in inner else [])]


@settings(max_examples=40)
@given(changes())
def test_a_change(change: tuple[list[tuple[str, str]], str, dict[str, Any]]) -> None:
    order, between, patch = change
    before = text_of(order, between)
    for which in order:
        kind: Kind = "inbound" if which[0] == "inbound" else "outbound"
        after = upserted(read_written(Path("x"), before), kind, which[1], patch)
        begin = before.index(BLOCKS[which])
        rest = before[begin + len(BLOCKS[which]) :]
        assert after.startswith(before[:begin])
        assert after.endswith(rest)
        assert entries(after) == {**entries(before), which: filled(merged(entries(before)[which], patch))}
        block = after[begin : len(after) - len(rest)]
        kept = [line for line in BLOCKS[which].splitlines() if not any(word in line for word in words_of(patch))]
        lines = iter(block.splitlines())
        assert all(line in lines for line in kept), "in their order"


@settings(max_examples=40)
@given(changes())
def test_an_addition_and_a_removal(change: tuple[list[tuple[str, str]], str, dict[str, Any]]) -> None:
    order, between, patch = change
    before = text_of(order, between)
    after = upserted(read_written(Path("x"), before), "outbound", "NEW", patch)
    assert after.startswith(before)
    assert entries(after) == {**entries(before), ("outbound", "NEW"): filled({"name": "NEW", **merged({}, patch)})}
    again = removed(read_written(Path("x"), after), "outbound", "NEW")
    assert again.rstrip("\n") == before.rstrip("\n")
    for which in order:
        kind: Kind = "inbound" if which[0] == "inbound" else "outbound"
        left = removed(read_written(Path("x"), before), kind, which[1])
        assert entries(left) == {key: each for key, each in entries(before).items() if key != which}


def test_true_is_not_one() -> None:
    text = '[[outbound]]\nname = "OB"\nsettings = { port = 1 }\n'
    assert "port = true" in upserted(read_written(Path("x"), text), "outbound", "OB", {"settings": {"port": True}})
