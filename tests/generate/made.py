"""Generated messages by name, and their fields as text."""

from __future__ import annotations

from messagefoundry.generate import Generated, generated, kinds_named
from messagefoundry.message import Message


def one(name: str, seed: int = 1, number: int = 1) -> Generated:
    """The message of one type."""
    (kind,) = kinds_named([name])
    return generated(kind, seed, number)


class Reading:
    """A message whose absent fields are empty text."""

    def __init__(self, made: Generated) -> None:
        self.kind = made.kind
        self.message = Message(made.raw)

    def __getitem__(self, path: str) -> str:
        return self.message[path] or ""

    def at(self, path: str, occurrence: int, repetition: int = 1) -> str:
        """A field of one of several segments."""
        return self.message.field(path, occurrence=occurrence, repetition=repetition) or ""

    def numbers(self, segment: str) -> range:
        """The occurrences of a segment, from 1."""
        return range(1, self.message.count_segments(segment) + 1)

    def all(self, path: str) -> list[str]:
        """A field of every segment of its id."""
        return [self.at(path, number) for number in self.numbers(path.partition("-")[0])]
