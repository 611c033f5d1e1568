"""The options of Timer, checked at load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts import ConfigurationError, ConnectorSpec, load
from messagefoundry.contracts.settings import Surroundings
from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph
from messagefoundry_timer import Timer, plugin
from messagefoundry_timer.settings import TimerSettings
from messagefoundry_timer.source import TimerSource

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\rPID|1||X\r"
UTF8 = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1||||||UNICODE UTF-8\rPID|1||Größe\r"
LATIN = UTF8.replace("UNICODE UTF-8", "8859/1")
UTF16 = UTF8.replace("UNICODE UTF-8", "UNICODE UTF-16")


def problems(content_type: str = "hl7v2", **options: Any) -> list[str]:
    around = Surroundings("inbound", content_type=content_type)
    settings = TimerSettings(**{"body": MESSAGE, "run_once": True, **options})
    return [sentence for sentence, mend in settings.problems(around) if mend]


def test_the_plugin_registers_parts_that_exist() -> None:
    (spec,) = plugin.register_connectors()
    assert isinstance(spec, ConnectorSpec)
    assert plugin.contract == 1
    assert load(spec.factory) is Timer
    assert load(spec.settings) is TimerSettings
    assert load(spec.inbound or "") is TimerSource
    assert spec.outbound is None


def test_defaults_are_those_of_the_published_interface() -> None:
    assert TimerSettings(body="x").model_dump() == {
        "body": "x",
        "interval_seconds": None,
        "cron_expression": None,
        "run_once": False,
        "timezone": None,
    }


def test_the_body_is_in_no_representation() -> None:
    assert "SECRET" not in repr(TimerSettings(body="SECRET", run_once=True))


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        ({"interval_seconds": 90}, "every 90 s"),
        ({"interval_seconds": 0.5}, "every 0.5 s"),
        ({"cron_expression": "0 6  * *\tMON", "timezone": "Europe/Berlin"}, "cron 0 6 * * MON Europe/Berlin"),
        ({"cron_expression": "0 6 * * *"}, "cron 0 6 * * *"),
        ({"run_once": True}, "once at each start"),
    ],
)
def test_each_way_to_say_when(options: dict[str, Any], endpoint: str) -> None:
    settings = TimerSettings(body=MESSAGE, **options)
    assert [*settings.problems(Surroundings("inbound"))] == []
    assert settings.endpoint(Surroundings("inbound")) == endpoint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"run_once": False}, "nothing says when"),
        ({"interval_seconds": 5}, "interval_seconds and run_once exclude each other"),
        (
            {"interval_seconds": 5, "cron_expression": "* * * * *"},
            "interval_seconds and cron_expression and run_once exclude each other",
        ),
        ({"timezone": "Europe/Berlin"}, "timezone goes with cron_expression alone"),
        ({"run_once": False, "cron_expression": "* * * *"}, "cron_expression must have five fields"),
        ({"run_once": False, "cron_expression": "* 25 * * *"}, "cron_expression has a bad hour"),
        (
            {"run_once": False, "cron_expression": "* * * * *", "timezone": "Mars/Olympus"},
            "timezone is not known to this machine",
        ),
        ({"body": " \r\n"}, "body is empty"),
        ({"body": "\ud800"}, "body has half of a surrogate pair"),
        ({"body": "PID|1\r"}, "body has no MSH that can be read"),
        ({"body": f"BHS|^~\\&|A\r{MESSAGE}"}, "body is a batch of HL7 messages"),
        ({"body": LATIN}, "body is written in UTF-8, and its MSH-18 says otherwise"),
        ({"body": UTF16}, "body is written in UTF-8, and its MSH-18 says otherwise"),
        ({"body": "{", "content_type": "json"}, "body is not JSON"),
        ({"body": "<a>", "content_type": "xml"}, "body is not XML"),
    ],
)
def test_a_mistake_is_named_with_its_mend(options: dict[str, Any], said: str) -> None:
    (found,) = problems(**options)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("hl7v2", MESSAGE.replace("\r", "\n")),
        ("hl7v2", UTF8),
        ("hl7v2", UTF8.replace("UNICODE UTF-8", "")),
        ("json", '{"run": 1}'),
        ("xml", "<run/>"),
        ("text", "PING"),
        ("binary", "\x00"),
    ],
)
def test_bodies_of_all_kinds(content_type: str, body: str) -> None:
    assert problems(content_type, body=body) == []


WIRING = """
from messagefoundry import File, Send, Timer, handler, inbound, outbound, router

inbound("IB_TICK", Timer({options}), router="all", content_type="text")
{more}

@router("all")
def route(msg):
    return []
"""


def refusal(folder: Path, options: str, more: str = "") -> str:
    folder = folder / "config"
    folder.mkdir(mode=0o700)
    (folder / "tick.py").write_text(WIRING.format(options=options, more=more))
    (folder / "tick.py").chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        load_graph(folder, installed=installed(), environment="dev", values={})
    (problem,) = caught.value.problems
    return str(problem).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("body='x'", "nothing says when (give one of interval_seconds, cron_expression and run_once=True)"),
        ("run_once=True", "'body'"),
        ("body='x', interval_seconds=0", "'interval_seconds' of Timer must be at least 0.001"),
        ("body='x', interval_seconds=float('inf')", "'interval_seconds' of Timer must be a finite number"),
        ("body='x', cron_expression=7", "'cron_expression' of Timer must be text"),
        ("body='x', run_once=True, jitter=3", "jitter"),
    ],
)
def test_a_mistake_names_file_line_and_connection(tmp_path: Path, options: str, said: str) -> None:
    problem = refusal(tmp_path, options)
    assert problem.startswith("tick.py:4: ")
    assert "IB_TICK" in problem
    assert said in problem


def test_an_outbound_is_refused(tmp_path: Path) -> None:
    problem = refusal(tmp_path, "body='x', run_once=True", "outbound('OB_TICK', Timer(body='x', run_once=True))")
    assert "OB_TICK" in problem
    assert "inbound" in problem
