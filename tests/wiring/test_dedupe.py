"""What a configuration may say of repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.wiring.connections_file import FILE
from messagefoundry.wiring.values import Dedupe

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

ROUTES = '@router("adt")\ndef route(msg): return None\n'
HEAD = '[[inbound]]\nname = "IB"\ntransport = "Pipe"\nrouter = "adt"\nsettings.port = 1\n'

RANGE = "window_seconds must be a number of seconds above 0, at most 31,622,400"

IN_PYTHON = {
    "dedupe='MSH-10'": "option 'dedupe' must be a Dedupe",
    "dedupe=Dedupe(window_seconds=5), content_type='json'": "option 'dedupe' is for HL7 v2 alone (leave it out)",
}
IN_TOML = {
    "dedupe = {}": "option 'dedupe' needs 'window_seconds'",
    'dedupe = { key = "MSH-10" }': "option 'dedupe' needs 'window_seconds'",
    "dedupe.window_seconds = 0": f"option 'dedupe' {RANGE}",
    "dedupe.window_seconds = -1": f"option 'dedupe' {RANGE}",
    "dedupe.window_seconds = 31622401": f"option 'dedupe' {RANGE}",
    "dedupe.window_seconds = inf": f"option 'dedupe' {RANGE}",
    "dedupe.window_seconds = nan": f"option 'dedupe' {RANGE}",
    'dedupe.window_seconds = "soon"': "option 'dedupe' has 'window_seconds', which must be a number",
    'dedupe = { window_seconds = 5, keys = "PID-3" }': "option 'dedupe' has no key 'keys': did you mean 'key'?",
    'dedupe = { window_seconds = 5, key = "MSH10" }': "option 'dedupe' key: not a path: a path is "
    "SEG-field[.component[.subcomponent]], such as 'PID-3' or 'PID-3.1'",
    "dedupe = 60": "option 'dedupe' must be a table",
}
IN_THE_CALL = {
    "Dedupe(window_seconds=0)": f"Dedupe: {RANGE}",
    "Dedupe(window_seconds=True)": "option 'window_seconds' of Dedupe must be a number",
    "Dedupe(window_seconds='60')": "option 'window_seconds' of Dedupe must be a number",
    "Dedupe(key='msh-10', window_seconds=1)": "Dedupe: key: 'msh-10' is not a path: write 'MSH-10'",
    "Dedupe()": "Dedupe needs the option 'window_seconds' (add window_seconds=...)",
}


@pytest.mark.parametrize("options", IN_PYTHON)
def test_a_mistake_is_one_sentence(configuration: Configuration, options: str) -> None:
    configuration.feed(f'inbound("IB", Pipe(port=1), router="adt", {options})')
    assert configuration.problems() == [f"feed.py:5: IB: {IN_PYTHON[options]}"]


@pytest.mark.parametrize("table", IN_TOML)
def test_a_mistake_in_the_file_is_one_sentence(configuration: Configuration, table: str) -> None:
    configuration.feed("", routes=ROUTES)
    configuration.write(FILE, HEAD + table + "\n")
    assert configuration.problems() == [f"{FILE}:6: IB: {IN_TOML[table]}"]


@pytest.mark.parametrize("value", IN_THE_CALL)
def test_a_value_that_cannot_be_names_its_mend(configuration: Configuration, value: str) -> None:
    configuration.feed(value)
    assert configuration.problems() == [f"feed.py:5: {IN_THE_CALL[value]}"]


def test_a_partners_reply_goes_with_no_repeat(configuration: Configuration) -> None:
    configuration.feed(
        'inbound("IB", Pipe(port=1, reply_from="OB"), router="adt", dedupe=Dedupe(window_seconds=5))\n'
        'outbound("OB", Drop(password="x"))'
    )
    assert configuration.problems() == [
        "feed.py:5: IB: option 'dedupe' does not go with reply_from: nothing is sent for a repeat that could be "
        "replied to (leave one of them out)"
    ]


def test_an_outbound_has_none(configuration: Configuration) -> None:
    configuration.feed('outbound("OB", Drop(password="x"), dedupe=Dedupe(window_seconds=5))')
    mend = "it is an option of inbound()"
    assert configuration.problems() == [f"feed.py:5: OB: outbound() has no option 'dedupe' ({mend})"]


@pytest.mark.parametrize("key", ["MSH-10", "PID-3.1"])
def test_what_is_said_reaches_the_graph(configuration: Configuration, key: str) -> None:
    configuration.feed(f'inbound("IB", Pipe(port=1), router="adt", dedupe=Dedupe(key="{key}", window_seconds=0.5))')
    assert configuration.load().inbounds["IB"].dedupe == Dedupe(key=key, window_seconds=0.5)


@pytest.mark.parametrize("option", ["", ", dedupe=None"])
def test_without_it_nothing_is_a_repeat(configuration: Configuration, option: str) -> None:
    configuration.feed(f'inbound("IB", Pipe(port=1), router="adt"{option})')
    assert configuration.load().inbounds["IB"].dedupe is None


def test_a_table_of_the_file_may_take_values_of_the_environment(configuration: Configuration) -> None:
    configuration.values = {"window": 90}
    configuration.feed("", routes=ROUTES)
    configuration.write(FILE, HEAD + '[inbound.dedupe]\nkey = "PID-3"\nwindow_seconds = { env = "window" }\n')
    assert configuration.load().inbounds["IB"].dedupe == Dedupe(key="PID-3", window_seconds=90)
