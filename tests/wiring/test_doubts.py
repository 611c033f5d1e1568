"""Warnings of what a configuration may do and its author hardly wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

DROPPED = """
@handler("lost")
def lost(msg):
    SetState("seen", "1", True)
    SetMeta("ward", "3")
    Send("OB", msg)
    kept = SetMeta("ward", "4")
    return [kept, SetState("seen", "2", True)]
"""
WAITING = 'inbound("IB", Pipe(port=1), router="adt", ack_after="delivered", ack_deadline_seconds=5'
NEXT = """
from messagefoundry import PassThrough
inbound("IB", Pipe(port=1), router="adt")
inbound("ONE", PassThrough(), router="one")
inbound("TWO", PassThrough(), router="two")
inbound("END", PassThrough(), router="end")
@router("one")
def one(msg): return "one"
@router("two")
def two(msg): return ["two"]
@router("end")
def end(msg): return None
@handler("one")
def send_one(msg): return Send({one!r}, msg)
@handler("two")
def send_two(msg): return [Send({two!r}, msg), Send("END", msg)]
"""


def warnings(configuration: Configuration, about: str) -> list[str]:
    """Those with a text in them, without the folder's path."""
    found = [str(each).replace(f"{configuration.directory}/", "") for each in configuration.load().warnings]
    return [each for each in found if about in each]


def test_decisions_that_are_not_returned(configuration: Configuration) -> None:
    configuration.feed(DROPPED)
    assert warnings(configuration, "not returned") == [
        "feed.py:8: lost: the SetState at line 8 is not returned: it keeps nothing (return it)",
        "feed.py:9: lost: the SetMeta at line 9 is not returned: it labels nothing (return it)",
        "feed.py:10: lost: the Send at line 10 is not returned: it sends nothing (return it)",
    ]


@pytest.mark.parametrize(
    ("one", "two", "told"),
    [
        ("ONE", "END", ["feed.py:8: ONE: sends to itself, ONE -> ONE"]),
        ("TWO", "ONE", ["feed.py:8: ONE: sends to itself, ONE -> TWO -> ONE"]),
        ("TWO", "TWO", ["feed.py:9: TWO: sends to itself, TWO -> TWO"]),
        ("TWO", "END", []),
        ("ONE", "TWO", ["feed.py:8: ONE: sends to itself, ONE -> ONE", "feed.py:9: TWO: sends to itself, TWO -> TWO"]),
    ],
)
def test_messages_that_would_go_round(configuration: Configuration, one: str, two: str, told: list[str]) -> None:
    configuration.feed(NEXT.format(one=one, two=two))
    rest = ": messages would go round until max_correlation_depth (break the circle)"
    assert warnings(configuration, "itself") == [f"{each}{rest}" for each in told]


def test_a_send_to_an_inbound_that_takes_none(configuration: Configuration) -> None:
    configuration.feed('inbound("OB_LAB", Pipe(port=1), router="adt")')
    text = "sends to 'OB_LAB', which is an inbound Connection: such messages end in ERROR"
    (told,) = warnings(configuration, "sends to")
    assert told.endswith(f"to_lab: {text} (only PassThrough() inbounds take what is sent)")


def test_who_waits_for_deliveries_is_to_tell_repeats(configuration: Configuration) -> None:
    text = "waits for deliveries: a sender that was answered AE sends again"
    configuration.feed(f"{WAITING})")
    assert warnings(configuration, "AE") == [f"feed.py:5: IB: {text} (add dedupe=Dedupe(window_seconds=3600))"]
    configuration.feed(f"{WAITING}, dedupe=Dedupe(window_seconds=60))")
    assert warnings(configuration, "AE") == []
    configuration.feed("")
    configuration.write(
        "connections.toml",
        '[[inbound]]\nname = "IB"\ntransport = "Pipe"\nrouter = "adt"\nack_after = "delivered"\n'
        "ack_deadline_seconds = 5\nsettings.port = 1\n",
    )
    mend = "add dedupe = { window_seconds = 3600 }"
    assert warnings(configuration, "AE") == [f"connections.toml:1: IB: {text} ({mend})"]
