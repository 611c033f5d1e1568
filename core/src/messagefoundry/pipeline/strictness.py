"""Strict validation on receipt, for inbounds that ask for it: in a thread of the inbound's own, for a limited time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.errors import Refused
from messagefoundry.message import Refusal, RefusalKind
from messagefoundry.strict import TakesTooLongError, Validator

if TYPE_CHECKING:
    from messagefoundry.contracts.codecs import Summary
    from messagefoundry.message import Message
    from messagefoundry.pipeline.intake import Note
    from messagefoundry.strict import Report
    from messagefoundry.wiring.graph import Inbound

PATIENCE_SECONDS = 5.0
"""How long a validation may take when `strict_timeout_s` says nothing."""

MOST_WARNINGS = 20
"""So many different warnings are noted between two starts."""


class Strictness:
    """The strict validation of one inbound. Messages wait for each other; another inbound's never do."""

    def __init__(self, inbound: Inbound, note: Note) -> None:
        self._inbound = inbound
        self._note = note
        self._validator = Validator(inbound.hl7_version)
        self._seconds = inbound.strict_timeout_s or PATIENCE_SECONDS
        self._thread = trio.CapacityLimiter(1)
        self._noted: set[str] = set()

    async def hold(self, raw: bytes, summary: Summary) -> None:
        """Hold a message against its schema. Raises Refused for its first fault, with all its faults in a line.

        A validation that is not done in time is left to itself: it ends at the next segment.
        """
        report: Report | None = None
        with trio.move_on_after(self._seconds):
            report = await trio.to_thread.run_sync(
                self._report, raw, summary.encoding, abandon_on_cancel=True, limiter=self._thread
            )
        if report is None:
            raise Refused(Refusal(RefusalKind.VALIDATION_TIMEOUT), summary)
        for warning in report.warnings:
            self._warn(warning)
        if report.faults:
            raise Refused(report.faults[0].refusal, summary, report.summary)

    def _report(self, raw: bytes, encoding: str) -> Report | None:
        message: Message = self._inbound.codec.parse(raw, encoding=encoding)  # type: ignore[assignment]
        try:
            return self._validator.validate(message, seconds=self._seconds)
        except TakesTooLongError:
            return None

    def _warn(self, warning: str) -> None:
        if warning not in self._noted and len(self._noted) < MOST_WARNINGS:
            self._noted.add(warning)
            self._note(self._inbound.name, "not validated", warning)
