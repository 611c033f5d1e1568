"""What is said of inbounds that wait for deliveries, of Loopbacks and PassThroughs, when they cannot work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import installed
from messagefoundry.wiring.load import load_graph

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
from messagefoundry import MLLP, Dedupe, File, Loopback, PassThrough, Send, handler, inbound, outbound, router

@router("r")
def route(msg):
    return "h"

@handler("h")
def handle(msg):
    return [{sends}]
"""
LATER = 'ack_after="delivered", ack_deadline_seconds=5, dedupe=Dedupe(window_seconds=60)'


def problems(folder: Path, declarations: str, *sends: str) -> list[str]:
    """What is wrong with these declarations; the Handler sends to `sends`."""
    directory = folder / "config"
    directory.mkdir(mode=0o700)
    file = directory / "feed.py"
    file.write_text(HEAD.format(sends=", ".join(f'Send("{name}", msg)' for name in sends)) + declarations)
    file.chmod(0o600)
    try:
        graph = load_graph(directory, installed=installed(), environment="dev", values={})
    except ConfigurationError as error:
        return [f"{found.name}: {found.text}" for found in error.problems]
    return [f"warning: {found}" for found in graph.warnings]


@pytest.mark.parametrize(
    ("inbound", "sentence"),
    [
        (f'MLLP(port=2575), router="r", {LATER}', None),
        (f'MLLP(port=2575), router="r", {LATER}, ack_on_deadline="AA"', None),
        (
            'MLLP(port=2575), router="r", ack_after="delivered"',
            "option 'ack_after' needs a deadline: a sender must not wait for ever",
        ),
        (
            'MLLP(port=2575), router="r", ack_deadline_seconds=5',
            "option 'ack_deadline_seconds' is for ack_after='delivered'",
        ),
        (
            f'MLLP(port=2575), router="r", {LATER}, ack_on_deadline="AB"',
            "option 'ack_on_deadline' must be one of AA, AE, AR",
        ),
        (
            f'MLLP(port=2575), router="r", {LATER}, ack_mode="none"',
            "option 'ack_after' is for senders that are acknowledged",
        ),
        (
            f'MLLP(port=2575), router="r", {LATER}, content_type="text"',
            "option 'ack_after' is for senders that are acknowledged",
        ),
        (f'File(directory="in"), router="r", {LATER}', "option 'ack_after' is for Connections that listen on a port"),
        (
            f'PassThrough(), router="r", {LATER}',
            "option 'ack_after' is for messages that come from outside of the engine",
        ),
        (
            'Loopback(), router="r", ack_mode="none"',
            "option 'ack_mode' is for messages that come from outside of the engine",
        ),
        (
            'PassThrough(), router="r", strict=True',
            "option 'strict' is for messages that come from outside of the engine",
        ),
    ],
)
def test_what_an_inbound_says_of_its_answers(tmp_path: Path, inbound: str, sentence: str | None) -> None:
    found = problems(tmp_path, f'inbound("IB", {inbound})\noutbound("OB", File(directory="x"))', "OB")
    assert found[:1] == ([] if sentence is None else [f"IB: {sentence}"])


CIRCLE = f"""
inbound("IB_A", MLLP(port=2575), router="r", {LATER})
outbound("OB", MLLP(host="127.0.0.1", port=2576))
inbound("IB_B", MLLP(port=2576), router="back", {{later}})
outbound("OB_BACK", MLLP(host="localhost", port={{port}}))

@router("back")
def back(msg):
    return ["send_back"]

@handler("send_back")
def send_back(msg):
    return Send("OB_BACK", msg)
"""


@pytest.mark.parametrize(
    ("later", "port", "circles"),
    [
        (LATER, 2575, 2),
        ("", 2575, 0),
        (LATER, 2599, 0),
        (f"{LATER}, deployed=False", 2575, 0),
    ],
)
def test_who_would_wait_for_itself_is_told(tmp_path: Path, later: str, port: int, circles: int) -> None:
    found = problems(tmp_path, CIRCLE.format(later=later, port=port), "OB")
    expected = [
        "IB_A: waits for its own acknowledgment: IB_A -> OB -> IB_B -> OB_BACK -> IB_A",
        "IB_B: waits for its own acknowledgment: IB_B -> OB_BACK -> IB_A -> OB -> IB_B",
    ]
    assert found == expected[:circles]


def test_a_circle_through_a_pass_through_is_told(tmp_path: Path) -> None:
    declarations = f"""
inbound("IB", MLLP(port=2575), router="r", {LATER})
inbound("ON", PassThrough(), router="on")
outbound("OB", MLLP(host="127.0.0.1", port=2575))

@router("on")
def on(msg):
    return "send_on"

@handler("send_on")
def send_on(msg):
    return Send("OB", msg)
"""
    assert problems(tmp_path, declarations, "ON") == [
        "IB: waits for its own acknowledgment: IB -> ON -> OB -> IB",
    ]


@pytest.mark.parametrize("target", ["NOWHERE", "IB", "ON", "OB"])
def test_replies_go_to_a_loopback_alone(tmp_path: Path, target: str) -> None:
    declarations = f"""
inbound("IB", MLLP(port=2575), router="r")
inbound("ON", PassThrough(), router="r")
inbound("LOOP", Loopback(), router="r")
outbound("OB", MLLP(host="lab", port=2575, reingress_to="{target}"))
"""
    expected = f"OB: reingress_to names {target!r}, which is no inbound Connection with Loopback()"
    assert problems(tmp_path, declarations, "OB", "ON") == [expected]


def test_replies_that_go_to_a_loopback_are_well(tmp_path: Path) -> None:
    declarations = """
inbound("IB", MLLP(port=2575), router="r")
inbound("LOOP", Loopback(), router="r")
outbound("OB", MLLP(host="lab", port=2575, reingress_to="LOOP"))
"""
    assert problems(tmp_path, declarations, "OB") == []


def test_a_send_to_a_loopback_is_warned_of(tmp_path: Path) -> None:
    found = problems(
        tmp_path, 'inbound("LOOP", Loopback(), router="r")\noutbound("OB", File(directory="x"))', "LOOP", "OB"
    )
    assert len(found) == 1
    assert "sends to 'LOOP', which is an inbound Connection: such messages end in ERROR" in found[0]
    assert "(only PassThrough() inbounds take what is sent)" in found[0]
