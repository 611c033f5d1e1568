"""The books of a load: what was sent, what the engine says, what the sinks have. The headline of every report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from .journal import UNANSWERED
from .pages import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One run. Of several sinks the sum; a message is delivered when each has it."""

    sent: int
    accepted: int
    unanswered: int
    sinks: int
    sink_received: int
    missing: int
    """acknowledged to the sender, never arrived"""
    duplicates: int
    unexpected: int
    """arrived, but not sent in this run"""
    disorder: int
    """overtaken by a message that was sent after they had been acknowledged"""
    wrong_receiver: int
    """arrived without the edit of the built-in Handler"""
    engine_read: int | None
    """messages that the engine received meanwhile; None, as the next three: it did not say"""
    engine_written: int | None
    """deliveries it has done: messages that became PROCESSED meanwhile, once for each sink"""
    backlog: int | None
    """work that waits in the engine at the end"""
    dead_letters: int | None
    """that came meanwhile"""

    @classmethod
    def of(cls, result: Mapping[str, Any], before: Counts, after: Counts | None) -> Self:
        """Close the books over the result of a drive and what the engine said before and after."""
        sinks = result["sinks"]

        def total(name: str) -> int:
            return sum(int(sink[name]) for sink in sinks)

        return cls(
            sent=result["sent"],
            accepted=result["accepted"],
            unanswered=result["sent"] - sum(result["codes"].values()) + result["codes"].get(UNANSWERED, 0),
            sinks=len(sinks),
            sink_received=total("received"),
            missing=total("missing"),
            duplicates=total("duplicates"),
            unexpected=total("unexpected"),
            disorder=total("overtaken"),
            wrong_receiver=total("wrong_receiver"),
            engine_read=None if after is None else after.read - before.read,
            engine_written=None if after is None else (after.processed - before.processed) * len(sinks),
            backlog=None if after is None else after.waiting,
            dead_letters=None if after is None else after.dead_letters - before.dead_letters,
        )

    @property
    def errors(self) -> int:
        """Return how many messages were not accepted."""
        return self.sent - self.accepted

    @property
    def faults(self) -> list[str]:
        """Return a sentence for everything that does not balance; none when nothing was lost."""
        return [text for text, is_so in self._possible_faults() if is_so]

    @property
    def headline(self) -> str:
        """Return the verdict in one sentence."""
        if self.faults:
            return f"NOT RECONCILED: {'; '.join(self.faults)}"
        return (
            f"ZERO LOSS: {self.sent:,} sent = {self.engine_read:,} read by the engine, {self.engine_written:,} written"
            f" = {self.sink_received:,} received, backlog {self.backlog}"
        )

    def facts(self) -> dict[str, Any]:
        """Return plain values, the verdict first."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {"zero_loss": not self.faults, "headline": self.headline, "faults": self.faults, **values}

    def _possible_faults(self) -> Iterator[tuple[str, bool]]:
        yield f"{self.missing:,} lost: acknowledged, but never arrived", self.missing > 0
        yield f"{self.duplicates:,} arrived twice", self.duplicates > 0
        yield f"{self.unexpected:,} arrived that were not sent in this run", self.unexpected > 0
        yield f"{self.disorder:,} overtaken by later ones", self.disorder > 0
        yield f"{self.wrong_receiver:,} arrived without the Handler's edit", self.wrong_receiver > 0
        yield "nothing was accepted", self.accepted == 0
        if self.engine_read is None or self.engine_written is None:
            yield "the engine no longer answers on its API, so that its counts are unknown", True
            return
        # What was never answered may have been read or not.
        read = self.sent - self.unanswered <= self.engine_read <= self.sent
        yield f"{self.sent:,} sent, but {self.engine_read:,} read by the engine", not read
        received = f"{self.engine_written:,} written by the engine, but {self.sink_received:,} received"
        yield received, self.engine_written != self.sink_received
        yield f"a backlog of {self.backlog:,} left in the engine", self.backlog != 0
        yield f"{self.dead_letters} new dead letters", self.dead_letters != 0
