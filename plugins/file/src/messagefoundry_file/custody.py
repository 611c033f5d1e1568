"""Who has a file while it is read: the step between seeing it and being done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry_file.scan import Found, Look


@dataclass(frozen=True, slots=True)
class Held:
    """A file that is ours: its relative name in the folder, where it is now, and how it looked when it was taken.

    `bookmark` is committed with its message, and with no other. A file that was `received` is only to be finished:
    `accepted` alone may follow.
    """

    name: str
    path: str
    look: Look
    bookmark: str
    received: bool = False


class Custody(Protocol):
    """How files of one folder are taken, and what happens to them afterwards. Everything blocks; one thread at a time.

    A file that is taken is given to no other engine until one of `accepted`, `set_aside` and `give_back`; those of an
    engine that died are given to the next that asks for `left_over`. Every method but `close` and `give_back` raises
    OSError when the folder does not allow it; the step can be tried again.
    """

    @property
    def strays(self) -> Sequence[str]:
        """Files, below the folder, that wait for an inbound of another Connection, which does not run."""

    def open(self) -> None:
        """Get ready. The folder must be there, for one that is missing may be a share that went away."""

    def close(self) -> None:
        """Let others have what was not finished."""

    def left_over(self, bookmark: str) -> Sequence[Held]:
        """Files taken earlier and not finished, by us or by an engine that died: they come before all others.

        `bookmark` is the one that was committed last, "" for none: the file that it names was received.
        """

    def knows(self, found: Found) -> bool:
        """Whether this file is done with although it is still there."""

    def take(self, found: Found) -> Held | None:
        """Make a file ours; None when it is gone, or no longer looks as it did."""

    def accepted(self, held: Held) -> str:
        """Its message is committed: never read it again. Gives a note of trouble, or ""."""

    def set_aside(self, held: Held) -> str:
        """It cannot become a message: never read it again, never delete it. Says where it is now."""

    def give_back(self, held: Held) -> None:
        """It is to be tried again later, by whoever comes first."""
