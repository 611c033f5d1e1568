"""The option `batch` of outbounds, in modules and in connections.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry import BatchConfig
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import installed
from messagefoundry.wiring.connection_schema import file_schema
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.wiring.graph import Graph

FEED = """\
from messagefoundry import MLLP, BatchConfig, File, Send, Tcp, Timer, handler, inbound, outbound, router

inbound("IB", MLLP(port=2575), router="adt")

@router("adt")
def route(msg):
    return "on"

@handler("on")
def on(msg):
    return Send("OB", msg)
"""
TOML = """\
[[outbound]]
name = "OB"
transport = "MLLP"
settings = { host = "lab", port = 2576 }
[outbound.batch]
"""


def load(folder: Path, feed: str = "", toml: str = "") -> Graph:
    (folder / "feed.py").write_text(f"{FEED}\n{feed}\n")
    if toml:
        (folder / "connections.toml").write_text(TOML + toml)
    return load_graph(folder, installed=installed(), environment="dev", values={"most": 40})


def sentence(folder: Path, feed: str = "", toml: str = "") -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, feed, toml)
    (problem,) = caught.value.problems
    return str(problem).replace(f"{folder}/", "")


@pytest.mark.parametrize("spec", ['MLLP(host="lab", port=1)', 'File(directory="out")'])
def test_a_module_says_how_to_batch(tmp_path: Path, spec: str) -> None:
    graph = load(tmp_path, f'outbound("OB", {spec}, batch=BatchConfig(max_count=50, max_wait_ms=2000))')
    assert graph.outbounds["OB"].batch == BatchConfig(50, 2000)


def test_without_it_each_message_goes_alone(tmp_path: Path) -> None:
    assert load(tmp_path, 'outbound("OB", Tcp(host="lab", port=1), batch=None)').outbounds["OB"].batch is None


def test_connections_toml_says_it_in_a_table(tmp_path: Path) -> None:
    graph = load(tmp_path, toml='max_count = { env = "most" }\nmax_wait_ms = 2000\n')
    assert graph.outbounds["OB"].batch == BatchConfig(40, 2000)


def test_the_schema_of_the_file_knows_it() -> None:
    schema = file_schema([each.spec for each in installed().connectors.values()])
    batch = schema["properties"]["outbound"]["items"]["properties"]["batch"]
    assert list(batch["properties"]) == batch["required"] == ["max_count", "max_wait_ms"]
    assert "batch" not in schema["properties"]["inbound"]["items"]["properties"]


def test_a_connector_that_knows_no_batches_refuses_them(tmp_path: Path) -> None:
    feed = 'outbound("OB", Tcp(host="lab", port=1), batch=BatchConfig(2, 1))'
    assert sentence(tmp_path, feed) == "feed.py:13: OB: option 'batch' is not supported by Tcp (leave it out)"


COUNT = "BatchConfig: max_count must be a whole number from 2 to 1000"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("BatchConfig(1, 100)", COUNT),
        ("BatchConfig(1001, 100)", COUNT),
        ("BatchConfig(2.5, 100)", "option 'max_count' of BatchConfig must be a whole number"),
        ("BatchConfig(2, 0)", "BatchConfig: max_wait_ms must be a whole number of milliseconds above 0"),
        ("True", "OB: option 'batch' must be a BatchConfig"),
        ("5", "OB: option 'batch' must be a BatchConfig"),
    ],
)
def test_a_wrong_one_is_named(tmp_path: Path, config: str, text: str) -> None:
    assert f"feed.py:13: {text}" in sentence(tmp_path, f'outbound("OB", MLLP(host="lab", port=1), batch={config})')


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("max_count = 1\nmax_wait_ms = 5\n", "OB: option 'batch' max_count must be a whole number from 2 to 1000"),
        ("max_count = 2\nmax_wait_ms = 0.5\n", "OB: option 'batch' has 'max_wait_ms', which must be a whole number"),
        ("max_count = 2\nmax_wait = 5\n", "OB: option 'batch' has no key 'max_wait': did you mean 'max_wait_ms'?"),
        ("max_count = 2\n", "OB: option 'batch' needs 'max_wait_ms'"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, toml: str, text: str) -> None:
    assert text in sentence(tmp_path, toml=toml)
