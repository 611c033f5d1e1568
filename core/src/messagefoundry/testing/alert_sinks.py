"""The kit for alert sinks.

class TestMySink(AlertSinkConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts.alerts import Alert, AlertSink
from messagefoundry.testing.conformance import Conformance, clause

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

ALERT = Alert("queue_buildup", "OB_LAB", "120 waiting at the outbound stage", 1_767_225_600_000_000)
SOON_SECONDS = 0.2
"""When the kit cancels an attempt to send."""
PROMPT_SECONDS = 1.0
"""How long such an attempt may last all the same."""


class AlertSinkSubject(ABC):
    """A sink and the place that alerts are sent to."""

    @abstractmethod
    def sink(self) -> AlertSink:
        """A new sink, as the plugin's `AlertSinkSpec` makes it, that sends to the place below."""

    @abstractmethod
    async def arrived(self) -> list[str]:
        """What has arrived there, oldest first: the text of each alert."""

    @abstractmethod
    def away(self) -> AbstractAsyncContextManager[object]:
        """While the block runs the place cannot be reached."""


class AlertSinkConformance(Conformance):
    """What the engine relies on in an alert sink."""

    kind = "alert sink"

    @pytest.fixture
    def subject(self) -> AlertSinkSubject:
        """Your sink and its place: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives an AlertSinkSubject", pytrace=False)

    @clause
    async def test_tells_what_where_and_why(self, subject: AlertSinkSubject) -> None:
        """What arrives names the kind of event, the Connection and the detail."""
        await subject.sink().send(ALERT)
        (text,) = await subject.arrived()
        assert [part for part in (ALERT.kind, ALERT.connection, ALERT.detail) if part not in text] == []

    @clause
    async def test_has_sent_when_it_returns(self, subject: AlertSinkSubject) -> None:
        """When `send` has returned the alert has arrived: nothing is kept back in the sink."""
        await subject.sink().send(ALERT)
        assert len(await subject.arrived()) == 1

    @clause
    async def test_sends_each_alert_in_order(self, subject: AlertSinkSubject) -> None:
        """Alerts arrive in the order sent, each once; holding repeats back is the engine's."""
        sink = subject.sink()
        details = ["first", "second", "second", "third"]
        for detail in details:
            await sink.send(replace(ALERT, detail=detail))
        texts = await subject.arrived()
        assert [detail in text for detail, text in zip(details, texts, strict=True)] == [True] * 4

    @clause
    @pytest.mark.parametrize("severity", ["info", "warning", "critical", "of some plugin's own"])
    async def test_sends_any_severity(self, subject: AlertSinkSubject, severity: str) -> None:
        """An alert of any severity is sent."""
        await subject.sink().send(replace(ALERT, severity=severity))
        assert len(await subject.arrived()) == 1

    @clause
    async def test_takes_any_text(self, subject: AlertSinkSubject) -> None:
        """A detail with quotes, signs of formatting, other scripts or nothing at all is sent as it is."""
        sink, details = subject.sink(), ['100 % of "x" {0} %s <b>', "Zürich 東京", ""]
        for detail in details:
            await sink.send(replace(ALERT, detail=detail))
        texts = await subject.arrived()
        assert [detail in text for detail, text in zip(details, texts, strict=True)] == [True] * 3

    @clause
    async def test_lets_itself_be_cancelled(self, subject: AlertSinkSubject) -> None:
        """`send` lets a cancellation through while its place does not answer."""
        async with subject.away():
            began = trio.current_time()
            await attempted(subject.sink())
            assert trio.current_time() - began < PROMPT_SECONDS

    @clause
    async def test_sends_again_after_a_failure(self, subject: AlertSinkSubject) -> None:
        """A sink that could not send does so when its place is back."""
        sink = subject.sink()
        async with subject.away():
            await attempted(sink)
        await sink.send(replace(ALERT, detail="it is back"))
        assert "it is back" in (await subject.arrived())[-1]


async def attempted(sink: AlertSink) -> None:
    """Try to send while the place is away, and give up soon; a sink may say in its own words that it failed."""
    with trio.move_on_after(SOON_SECONDS), suppress(Exception):
        await sink.send(ALERT)
