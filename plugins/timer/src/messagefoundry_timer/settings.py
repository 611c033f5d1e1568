"""The options of `Timer(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry_timer.body import fault
from messagefoundry_timer.cron import Cron, CronError, ZoneError, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

When = Literal["interval_seconds", "cron_expression", "run_once"]


class TimerSettings(ConnectorSettings):
    """A message of your own, at moments that you name, with exactly one of the options that say when.

    Every run hands in the same text. A moment that passes while the engine is down is not made up.
    """

    body: str = Field(repr=False)
    """The message, as the Connection's `content_type` has it; it is written in UTF-8."""
    interval_seconds: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] | None = None
    """Seconds from one run to the next, and from the start to the first."""
    cron_expression: str | None = None
    """Minute, hour, day of the month, month and day of the week, as in crontab(5)."""
    run_once: bool = False
    """One run at each start of the Connection."""
    timezone: str | None = None
    """IANA name of the time zone that `cron_expression` is read in; the machine's own if not given."""

    @property
    def whens(self) -> list[When]:
        """Which of the options that say when are set."""
        given: dict[When, bool] = {
            "interval_seconds": self.interval_seconds is not None,
            "cron_expression": self.cron_expression is not None,
            "run_once": self.run_once,
        }
        return [name for name, is_given in given.items() if is_given]

    def cron(self) -> Cron:
        """The expression in its zone. Raises CronError and ZoneError; there is none without `cron_expression`."""
        return Cron.parse(self.cron_expression or "", zone_of(self.timezone) if self.timezone is not None else None)

    def endpoint(self, around: Surroundings) -> str:
        """When it runs."""
        if self.interval_seconds is not None:
            return f"every {self.interval_seconds:g} s"
        if self.cron_expression is not None:
            return " ".join(("cron", *self.cron_expression.split(), self.timezone or ""))[:80].rstrip()
        return "once at each start"

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Exactly one when, an expression and a zone that exist, and a body that can become a message."""
        yield from self._when_problems()
        if found := fault(self.body, around.content_type):
            yield found

    def _when_problems(self) -> Iterator[tuple[str, str]]:
        if not self.whens:
            yield "nothing says when", "give one of interval_seconds, cron_expression and run_once=True"
        if len(self.whens) > 1:
            yield f"{' and '.join(self.whens)} exclude each other", "keep one of them"
        if self.timezone is not None and self.cron_expression is None:
            yield "timezone goes with cron_expression alone", "give cron_expression, or remove timezone"
        if self.cron_expression is not None:
            yield from self._cron_problems()

    def _cron_problems(self) -> Iterator[tuple[str, str]]:
        try:
            self.cron()
        except ZoneError:
            yield (
                "timezone is not known to this machine",
                "name one such as 'Europe/Berlin'; where there are none, pip install tzdata",
            )
        except CronError as error:
            yield f"cron_expression {error}", "write it as in crontab(5), such as '30 6 * * MON-FRI'"
