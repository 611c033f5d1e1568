"""How the reply to a batch is read (HL7 v2.5.1 §2.10.3, §2.9.2): one acknowledgment for all, or one for each member.

A reply is a batch of acknowledgments, several in one frame, or a single one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .batch import is_batch
from .errors import HeaderError
from .header import peek
from .reply import DEFAULT_NAK, Acknowledgment, Judgment, judge, read_acknowledgment

_HEADER = re.compile(rb"(?:\A(?:\xef\xbb\xbf|[\r\n\t \x0b])*|(?<=[\r\n]))(MSH[!-/:-@\[-`{-~])")
_ENVELOPE = re.compile(rb"[\r\n](?:FHS|BHS|BTS|FTS)(?![A-Za-z0-9])")
_END = re.compile(rb"[\r\n]")
_LONGEST = 20
_LONGEST_HEADER = 4096
"""A longer MSH is not copied for each of several MSA that follow it; the first of them counts."""


class Answered(NamedTuple):
    """One acknowledgment of a reply, and the message that it stands in, alone. Its repr shows MSA-1 only."""

    acknowledgment: Acknowledgment
    reply: bytes

    def __repr__(self) -> str:
        return f"<Answered {self.acknowledgment.code}>"


class BatchReply(NamedTuple):
    """The acknowledgments of one reply, in its order. `final`: it is a batch, or holds several; more need not come."""

    answers: tuple[Answered, ...]
    final: bool


def read_batch_reply(reply: bytes) -> BatchReply:
    """Every acknowledgment in `reply` (without framing); none when it holds none, or none whose MSA-1 is known."""
    answers = tuple(answered for message in _messages(reply) for answered in _answers_in(message))
    return BatchReply(answers, len(answers) > 1 or is_batch(reply))


def _messages(reply: bytes) -> Iterator[bytes]:
    """The messages of a reply, from MSH to the next MSH or segment of an envelope."""
    starts = [found.start(1) for found in _HEADER.finditer(reply)]
    for start, end in pairwise([*starts, len(reply)]):
        envelope = _ENVELOPE.search(reply, start, end)
        yield reply[start : envelope.start() + 1 if envelope else end]


def _answers_in(message: bytes) -> Iterator[Answered]:
    """The acknowledgments of one message. Of several, each has the MSH and what stands up to the next MSA."""
    try:
        separator = peek(message).separator
    except HeaderError:
        return
    starts = [found.start() + 1 for found in re.finditer(rb"[\r\n]MSA" + re.escape(separator), message)]
    head = _END.split(message, maxsplit=1)[0] + b"\r"
    if len(starts) == 1 or len(head) > _LONGEST_HEADER:
        alone = [message]
    else:
        alone = [head + message[start:end] for start, end in pairwise([*starts, len(message)])]
    for reply in alone:
        acknowledgment = read_acknowledgment(reply)
        if acknowledgment is not None:
            yield Answered(acknowledgment, reply)


class MemberJudgment(NamedTuple):
    """What a reply means for one member: DELIVERED, RETRY or REJECTED, and the acknowledgment that says so."""

    judgment: Judgment
    answered: Answered


def judge_members(
    reply: BatchReply,
    control_id: bytes,
    members: Sequence[bytes],
    *,
    nak: Mapping[str, str] = DEFAULT_NAK,
    verify: bool = True,
) -> list[MemberJudgment | None]:
    """What `reply` means for each member of the batch with BHS-11 `control_id`; None where it says nothing.

    `members` are the MSH-10 of those that are still open, `nak` as in `judge`. An acknowledgment belongs to the first
    open member whose MSH-10 is its MSA-2, or begins with it in the first 20 characters. One whose MSA-2 is the batch's,
    and a single one whose MSA-2 is empty, are for all that no other is for; without `verify`, a single one is for all
    whatever its MSA-2.
    """
    found: list[MemberJudgment | None] = [None] * len(members)
    places = _Places(members)
    for_all: MemberJudgment | None = None
    single = len(reply.answers) == 1
    for answered in reply.answers:
        named = answered.acknowledgment.control_id
        place = places.take(named) if verify or not single else None
        if place is not None:
            found[place] = _judged(answered, nak)
        elif for_all is None and (named == control_id or (single and (not named or not verify))):
            for_all = _judged(answered, nak)
    return [judgment or for_all for judgment in found]


def _judged(answered: Answered, nak: Mapping[str, str]) -> MemberJudgment:
    return MemberJudgment(judge(answered.reply, answered.acknowledgment.control_id, nak=nak), answered)


class _Places:
    """Where the members stand, by what may be their MSA-2; each is taken once."""

    def __init__(self, members: Sequence[bytes]) -> None:
        self._open = [True] * len(members)
        self._places: dict[bytes, list[int]] = {}
        for place in range(len(members) - 1, -1, -1):  # the first is the last of its list
            for name in _names(members[place]):
                self._places.setdefault(name, []).append(place)

    def take(self, name: bytes) -> int | None:
        """The first open member of this name, which is no longer open; None when there is none."""
        places = self._places.get(name, [])
        while places:
            place = places.pop()
            if self._open[place]:
                self._open[place] = False
                return place
        return None


def _names(control_id: bytes) -> set[bytes]:
    """MSH-10 whole, and its first 20 bytes or characters; nothing for an empty one."""
    characters = control_id.decode("utf-8", "surrogateescape")[:_LONGEST]
    return {control_id, control_id[:_LONGEST], characters.encode("utf-8", "surrogateescape")} - {b""}
