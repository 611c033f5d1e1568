"""What a generator sent and what was answered, by control id; the half of a reconciliation that the sender knows."""

from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

UNANSWERED = "none"
MISMATCH = "mismatch"
ACCEPTED = frozenset({"AA", "CA"})
_DIGITS = 9


class Entry(NamedTuple):
    """One message. Times are CLOCK_MONOTONIC nanoseconds, comparable between processes of one machine."""

    control_id: str
    sent_ns: int
    answered_ns: int
    code: str
    due_ns: int
    """when it was to be sent; later than that only if the receiver left no room"""

    @property
    def accepted(self) -> bool:
        """Whether the receiver took responsibility for it."""
        return self.code in ACCEPTED


class Notes(Protocol):
    """What a generator writes down as it goes."""

    sending_ended_ns: int

    def __len__(self) -> int:
        """Return how many messages have been sent."""
        ...

    def control_id(self, number: int) -> str:
        """Return MSH-10 of the message with that number, counted from 0."""
        ...

    def note_sent(self, now_ns: int, due_ns: int | None = None) -> None:
        """Add the next message, which was due now or earlier."""
        ...

    def note_answer(self, number: int, now_ns: int, code: str) -> None:
        """Record what came back for a message: MSA-1, or MISMATCH."""
        ...


def control_id_of(prefix: str, number: int) -> str:
    """Return MSH-10 of a run's message: the run's prefix and nine digits, so that ids sort as they are sent."""
    return f"{prefix}{number:09d}"


def number_of(control_id: str, prefix: str, sent: int) -> int | None:
    """Return which message of a run that has sent so many an MSH-10 names; None for a foreign one."""
    digits = control_id.removeprefix(prefix)
    if len(digits) != _DIGITS or len(digits) == len(control_id) or not digits.isdecimal() or not digits.isascii():
        return None
    number = int(digits)
    return number if number < sent else None


class Journal:
    """Grows by one entry a message, in sending order; ids are a prefix and nine digits, so they sort likewise."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.sending_ended_ns = 0
        self._due_ns = array("q")
        self._sent_ns = array("q")
        self._answered_ns = array("q")
        self._codes: list[str] = []

    def __len__(self) -> int:
        return len(self._sent_ns)

    def __iter__(self) -> Iterator[Entry]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Entry:
        return Entry(
            self.control_id(number),
            self._sent_ns[number],
            self._answered_ns[number],
            self._codes[number],
            self._due_ns[number],
        )

    def control_id(self, number: int) -> str:
        """Return MSH-10 of the message with that number, counted from 0."""
        return control_id_of(self.prefix, number)

    def number(self, control_id: str) -> int | None:
        """Return which message has that MSH-10; None for a foreign one."""
        return number_of(control_id, self.prefix, len(self))

    def note_sent(self, now_ns: int, due_ns: int | None = None) -> None:
        """Add the next message, which was due now or earlier."""
        self._due_ns.append(now_ns if due_ns is None else due_ns)
        self._sent_ns.append(now_ns)
        self._answered_ns.append(0)
        self._codes.append(UNANSWERED)

    def note_answer(self, number: int, now_ns: int, code: str) -> None:
        """Record what came back for a message."""
        self._answered_ns[number] = now_ns
        self._codes[number] = code

    def codes(self) -> Counter[str]:
        """Count the answers by MSA-1, `none` and `mismatch` among them."""
        return Counter(self._codes)

    def save(self, path: Path) -> None:
        """Write the journal as text, for a sink in another process."""
        with path.open("w", encoding="latin-1") as file:
            file.write(f"{self.prefix},{self.sending_ended_ns}\n")
            file.writelines(f"{due},{sent},{back},{code}\n" for _, sent, back, code, due in self)

    @classmethod
    def load(cls, path: Path) -> "Journal":
        """Read what :meth:`save` wrote; raises OSError or ValueError."""
        with path.open(encoding="latin-1") as file:
            prefix, ended = next(file).rsplit(",", 1)
            journal = cls(prefix)
            journal.sending_ended_ns = int(ended)
            for line in file:
                due, sent, back, code = line.rstrip("\n").split(",", 3)
                journal._due_ns.append(int(due))
                journal._sent_ns.append(int(sent))
                journal._answered_ns.append(int(back))
                journal._codes.append(code)
        return journal
