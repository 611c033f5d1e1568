"""Where an option belongs that stands in the wrong place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

IN_PYTHON = {
    'outbound("OB", Pipe(port=1, batch=BatchConfig(2, 5)))': (
        "Pipe has no option 'batch' (it stands beside Pipe(...), in outbound(...))"
    ),
    'outbound("OB", Drop(password="x", dedupe=1))': "Drop has no option 'dedupe' (it is an option of inbound())",
    'inbound("OB", Pipe(port=1, stall=1), router="adt")': "Pipe has no option 'stall' (it is an option of outbound())",
    'outbound("OB", Pipe(port=1), port=1)': "outbound() has no option 'port' (it is an option of Pipe(...))",
    'outbound("OB", Pipe(port=1), ack_mode="none")': (
        "outbound() has no option 'ack_mode' (it is an option of inbound())"
    ),
    'outbound("OB", Pipe(port=1), reply_from="x")': (
        "outbound() has no option 'reply_from' (it is an option of Pipe(...), in inbound(...))"
    ),
    'outbound("OB", Pipe(port=1), retri=RetryPolicy())': "outbound() has no option 'retri' (did you mean 'retry'?)",
}
HEAD = '[[outbound]]\nname = "OB"\ntransport = "Pipe"\nsettings.port = 1\n'
IN_TOML = {
    "port = 1": "[[outbound]] has no key 'port' (write it under [outbound.settings])",
    'router = "adt"': "[[outbound]] has no key 'router' (it is a key of [[inbound]])",
    'reply_from = "x"': "[[outbound]] has no key 'reply_from' (it is a key of [inbound.settings])",
    "settings.stall = 1": "Pipe has no option 'stall' (write it above [outbound.settings])",
    "settings.dedupe = 1": "Pipe has no option 'dedupe' (it is a key of [[inbound]])",
}


@pytest.mark.parametrize("declaration", IN_PYTHON)
def test_a_call_is_told_where_its_option_belongs(configuration: Configuration, declaration: str) -> None:
    configuration.feed(declaration)
    assert configuration.problems() == [f"feed.py:5: OB: {IN_PYTHON[declaration]}"]


@pytest.mark.parametrize("line", IN_TOML)
def test_a_table_is_told_where_its_key_belongs(configuration: Configuration, line: str) -> None:
    configuration.feed("")
    configuration.write("connections.toml", f"{HEAD}{line}\n")
    assert configuration.problems() == [f"connections.toml:5: OB: {IN_TOML[line]}"]
