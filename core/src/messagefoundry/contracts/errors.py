"""What can go wrong, by what the caller can do about it.

    MessageFoundryError
    ├── ConfigurationError      mend the configuration; carries every problem found
    ├── EngineRunning           another engine holds the store: stop that one, or use another store
    ├── Refused                 a message is not accepted: answer the sender with the refusal
    ├── Unreachable             try the delivery again later; its outcome may be unknown
    ├── StopLane                stop the lane and call a human
    │   ├── CredentialFault     the partner does not accept who we are
    │   └── PartnerFault        the partner breaks the protocol in a way that risks the order of messages
    ├── SourceUnreadable        a reference set cannot be read from its source now: keep the last good copy, try again
    ├── StaleUnit               a unit of work met rows in another state than it expects: drop this unit alone
    ├── UnstorableUnit          the store cannot hold this unit, and never will: dead-letter what it belongs to
    └── StoreUnavailable        the store cannot commit now: try the same commit again
        ├── StoreFull           ... because its disk has no space left
        ├── Fenced              ... and never again by this engine: another has taken the store over; stop
        └── CorruptStore        ... and will not by itself: stop, restore a backup

No text of these carries a message body or a field value; `Refused` names the place alone.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.contracts.codecs import Summary
    from messagefoundry.message import Refusal


class MessageFoundryError(Exception):
    """Something went wrong; the class says what can be done."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__(text or (type(self).__doc__ or "").strip())


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where it stands, what it is, and how to mend it."""

    text: str
    mend: str = ""
    file: str = ""
    line: int = 0
    name: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        name = f"{self.name}: " if self.name else ""
        mend = f" ({self.mend})" if self.mend else ""
        return on_one_line(f"{place}{name}{self.text}{mend}")


def kind_of(value: object) -> str:
    """The type of what an author gave, with its article: "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def on_one_line(text: str) -> str:
    """`text` with escapes for what does not print: the names of files and keys, and what modules raise, may hold it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class ConfigurationError(MessageFoundryError):
    """The configuration has problems; each names its file, its line and its mend."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class EngineRunning(MessageFoundryError):
    """Another engine holds this store."""


class Refused(MessageFoundryError):
    """A message cannot be accepted; `refusal` says why and at which place, `summary` what is known of it even so.

    `detail` says more for the trail: places, rules and counts, never a value.
    """

    def __init__(self, refusal: Refusal, summary: Summary | None = None, detail: str = "") -> None:
        self.refusal = refusal
        self.summary = summary
        self.detail = detail
        super().__init__(refusal.kind.sentence)


class Unreachable(MessageFoundryError):
    """The partner could not be reached, or did not answer: the delivery is tried again.

    `outcome_unknown` tells that something was sent, so that the partner may have it although no answer came.
    """

    def __init__(self, text: str | None = None, *, outcome_unknown: bool = False) -> None:
        self.outcome_unknown = outcome_unknown
        super().__init__(text)


class StopLane(MessageFoundryError):
    """The lane must not go on without a human."""


class CredentialFault(StopLane):
    """The partner refused our credentials or certificate."""


class PartnerFault(StopLane):
    """The partner breaks the protocol."""


class SourceUnreadable(MessageFoundryError):
    """The source of a reference set cannot be read now, or what it holds is no table by code.

    The text goes to logs, alerts and pages: it names a file, a line, a host or a column, and never a value.
    """


class StaleUnit(MessageFoundryError):
    """The rows of this unit are no longer in the state that it expects."""


class UnstorableUnit(MessageFoundryError):
    """The store cannot hold this unit: a value is too large or malformed for it."""


class StoreUnavailable(MessageFoundryError):
    """The store cannot commit now."""


class StoreFull(StoreUnavailable):
    """The store's disk is full."""


class Fenced(StoreUnavailable):
    """Another engine has taken the store over: this one can commit nothing more."""


class CorruptStore(StoreUnavailable):
    """The store is damaged: stop the engine and restore a backup."""


def fault_site(error: BaseException) -> str:
    """An unexpected error in one line that is safe to log: its class and where it arose, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def sole(error: BaseException) -> BaseException:
    """The one error inside nested groups of one, as nurseries make them; a group of several stays as it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
