"""Any connections.toml ends in a graph, or in problems that say where, without a value."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import Candidate, collect
from messagefoundry.wiring.graph import Graph
from messagefoundry.wiring.load import load_graph
from messagefoundry.wiring.wanted import wanted_by
from tests.fuzz.test_settings import check_sentences
from tests.strategies.settings import SECRET

if TYPE_CHECKING:
    from messagefoundry.contracts.errors import Problem

INSTALLED = collect(
    [
        Candidate.of_module(name, name)
        for name in ("messagefoundry.plugins.builtin", "messagefoundry_mllp.plugin", "tests.wiring.pipes")
    ]
)

SCALARS = ["1", "-1", "true", "1.5", "nan", "1987-05-01", '""', '"adt"', '"none"', "70000"]
REFERENCED = st.sampled_from(['"a"', '"Lab"', "3", '["a"]'])


def inline(table: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"


def values(*more: str) -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from([*SCALARS, *more]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
            st.dictionaries(st.sampled_from(["cast", "default", "AE", "max_attempts"]), inner, max_size=3).map(inline),
            st.fixed_dictionaries({"env": REFERENCED}, optional=dict.fromkeys(["cast", "default", "csat"], inner)).map(
                inline
            ),
        ),
        max_leaves=4,
    )


VALUES, SECRETS = values(), values(f'"{SECRET}"')
KEYS = st.sampled_from(
    [
        "router",
        "settings",
        "ack_mode",
        "content_type",
        "metadata",
        "retry",
        "buildup",
        "stall",
        "bind_address",
        "source_ip_allowlist",
        "max_message_bytes",
        "simulate",
        "deployed",
        "schedule",
        "strict",
        "prot",
    ]
)
OPTIONS = st.sampled_from(["port", "host", "encoding", "nak", "tls_key_password", "password", "router", "prot"])
NAMES = st.sampled_from(['"IB"', '"OB"', '"A\\u0007B"', "3", '{ env = "a" }'])
TRANSPORTS = st.sampled_from(['"Pipe"', '"Drop"', '"Fetch"', '"MLLP"', '"Rest"', '"Pip"', "3"])


@st.composite
def tables(draw: st.DrawFn) -> str:
    lines = [draw(st.sampled_from(["[[inbound]]", "[[outbound]]", "[[inbound]]", "[inbond]"]))]
    given_keys = draw(st.dictionaries(KEYS, VALUES, max_size=3))
    given_keys = {"name": draw(NAMES), "transport": draw(TRANSPORTS), **given_keys}
    lines += [f"{key} = {value}" for key, value in given_keys.items()]
    if "settings" not in given_keys:
        lines.append(lines[0].strip("[]").join(["[", ".settings]"]))
        lines += [f"{key} = {value}" for key, value in draw(st.dictionaries(OPTIONS, SECRETS, max_size=4)).items()]
    return "\n".join(lines)


DOCUMENTS = st.one_of(
    st.binary(max_size=60), st.lists(tables(), max_size=4).map(lambda each: "\n\n".join(each).encode())
)


def load(directory: Path, values: dict[str, Any]) -> Graph | tuple[Problem, ...]:
    try:
        return load_graph(directory, installed=INSTALLED, environment="dev", values=values)
    except ConfigurationError as refusal:
        return refusal.problems


def check(problems: tuple[Problem, ...]) -> None:
    """Each says what is wrong and, as far as there is one, on which line."""
    assert problems
    check_sentences(problems)
    known = [each for each in problems if "is not readable as TOML" not in each.text]
    assert all(each.file for each in problems)
    assert all(each.line for each in known if each.file.endswith("connections.toml"))


@settings(max_examples=100)
@given(content=DOCUMENTS, environment=st.sampled_from([{}, {"a": "adt"}]))
@example(content=b"inbound = 3\noutbound = [1]\n", environment={})
@example(content=b"inbound = [" * 500, environment={})
@example(content=b"a = " + b"1" * 5000, environment={})
@example(
    content=b'[[outbound]]\nname = "OB"\ntransport = "Pipe"\nsettings = { port = { env = ["a"] } }\n', environment={}
)
@example(
    content=b'[[outbound]]\nname = "OB"\ntransport = "Pipe"\nsettings = { port = { env = "a", cast = [] } }\n',
    environment={},
)
def test_any_file_ends_in_a_graph_or_in_problems(content: bytes, environment: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "connections.toml").write_bytes(content)
        (directory / "routes.py").write_text('from messagefoundry import router\nrouter("adt")(lambda msg: None)\n')
        for file in directory.iterdir():
            file.chmod(0o644)
        found = load(directory, environment)
        if isinstance(found, Graph):
            check_sentences(found.warnings)
        else:
            check(found)
        wanted_by(directory)
