"""What is said of a Router or Handler that fails: the mend, and never what a message holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.pipeline.transform import transform
from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from messagefoundry import MLLP, Send, SetMeta, SetState, handler, inbound, outbound, router, state_get
inbound("IB", MLLP(port=2575), router="r")
inbound("IB_ORDERS", MLLP(port=2576), router="r")
outbound("OB_LAB", MLLP(host="lab", port=2577))
@router("r")
def r(msg):
    return {routes}
@handler("h")
def h(msg):
    return {decision}
"""
ADT = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||SECRET||Jane^Doe|IB_ORDERS|OB_LABX\r"
LINE = "a line of text of 1 to 200 characters"
JSON = "give text, numbers, true, false, None, lists, or dicts with text as keys"

HERE = "MisuseError at feed.py:10 in handler h: "
NOT_DECLARED = "NotDeclaredError in handler h: a Send names "
ONLY = "an inbound Connection: only PassThrough() inbounds take what is sent"

SAID = {
    'SetMeta("ward", "")': f"{HERE}SetMeta(key, value): the value is {LINE}",
    'SetMeta(msg["PID-3"] + "\\n", "x")': f"{HERE}SetMeta(key, value): the key is {LINE}",
    'SetState("", "SECRET", 1)': f"{HERE}SetState(namespace, key, value): the namespace is text of 1 to 200 characters",
    'SetState("n", 5, 1)': f"{HERE}SetState(namespace, key, value): the key is text, not an int",
    'SetState("SECRET", msg["PID-3"], {msg["PID-3"]})': (
        f"{HERE}SetState(namespace, key, value): JSON cannot say a set like this: {JSON}"
    ),
    'state_get("n", None)': f"{HERE}state_get(namespace, key): the key is text, not a NoneType",
    'Send("OB_LAB", {"SECRET": 1})': (f"{HERE}Send(to, message): a dict cannot be sent; give a message, text or bytes"),
    'Send("IB_ORDERS", msg)': f"{NOT_DECLARED}'IB_ORDERS', {ONLY}",
    'Send(msg["PID-6"], msg)': NOT_DECLARED + ONLY,
    'Send("OB_LAP", msg)': (
        f"{NOT_DECLARED}'OB_LAP', an outbound Connection that is not declared (did you mean 'OB_LAB'?)"
    ),
    'Send(msg["PID-3"], msg)': f"{NOT_DECLARED}an outbound Connection that is not declared",
    'Send(msg["PID-3"] and "OB_X" and msg["PID-3"], msg)': f"{NOT_DECLARED}an outbound Connection that is not declared",
}
ROUTED = {
    '["hh"]': "NotDeclaredError in the Router's choice: no Handler 'hh' is declared",
    'msg["PID-3"]': "NotDeclaredError in the Router's choice: no Handler of that name is declared",
}


def said(folder: Path, routes: str, decision: str) -> str:
    """The first line of how the message dies."""
    directory = folder / "config"
    directory.mkdir(mode=0o700)
    file = directory / "feed.py"
    file.write_text(HEAD.format(routes=routes, decision=decision))
    file.chmod(0o600)
    graph = load_graph(directory, installed=installed(), environment="dev", values={})
    (failed,) = transform(graph, graph.inbounds["IB"], ADT, "utf-8").failed
    return failed.error.partition("\n")[0]


@pytest.mark.parametrize("decision", SAID)
def test_a_decision_that_cannot_be_says_its_mend(tmp_path: Path, decision: str) -> None:
    found = said(tmp_path, '"h"', decision)
    assert found == SAID[decision]
    assert "SECRET" not in found


@pytest.mark.parametrize("routes", ROUTED)
def test_a_route_that_cannot_be_names_what_the_router_says_as_text(tmp_path: Path, routes: str) -> None:
    found = said(tmp_path, routes, "None")
    assert found == ROUTED[routes]


def test_an_authors_own_error_says_its_class_and_its_line(tmp_path: Path) -> None:
    assert said(tmp_path, '"h"', 'int(msg["PID-3"])') == "ValueError at feed.py:10 in handler h"
