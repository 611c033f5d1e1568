"""A batch that is sent as it is: what is in the frame, and how many of its messages an answer has accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.cli.mllp_client import ACCEPTED, control_id
from messagefoundry.cli.sources import separated
from messagefoundry.harness.headers import read_batch
from messagefoundry.message import is_batch, judge_members, read_batch_reply
from messagefoundry.message.reply import Judgment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.cli.mllp_client import Answer
    from messagefoundry.cli.sources import Source


@dataclass(frozen=True, slots=True)
class SentBatch:
    """BHS-11, b"" when there is none, and the MSH-10 of each message."""

    control_id: bytes
    members: tuple[bytes, ...] = field(repr=False)

    def accepted(self, answer: Answer) -> int:
        """How many messages were accepted; where only refusals are answered, those that nothing was said of too."""
        reply = read_batch_reply(answer.reply)
        if not reply.answers:
            return len(self.members) if answer.accepted else 0
        verify = is_batch(answer.reply)  # an acknowledgment alone is for all, whatever its MSA-2 is
        found = judge_members(reply, self.control_id, self.members, verify=verify)
        silence_accepts = not any(each.acknowledgment.code in ACCEPTED for each in reply.answers)
        return sum(silence_accepts if each is None else each.judgment is Judgment.DELIVERED for each in found)


def batch_in(source: Source) -> SentBatch | None:
    """The batch that a file sent as it is holds; None for anything else."""
    if not source.whole or not is_batch(source.raw):
        return None
    header = read_batch(source.raw)
    name = header.control_id.encode("latin-1") if header is not None else b""
    return SentBatch(name, tuple(control_id(each) for each in separated(source.raw)))


def codes_of(answer: Answer) -> Counter[str]:
    """How many acknowledgments of each MSA-1 came; one "none" when none did."""
    codes = Counter(each.acknowledgment.code for each in read_batch_reply(answer.reply).answers)
    return codes or Counter([answer.code or "none"])


def in_words(messages: int, batches: Sequence[int]) -> str:
    """All messages, of which batches of these sizes were sent whole: "2 messages and 1 batch of 7 messages"."""
    single, inside = messages - sum(batches), sum(batches)
    parts = [_count(single, "message")] if single or not batches else []
    if batches:
        parts.append(f"{_count(len(batches), 'batch')} of {_count(inside, 'message')}")
    return " and ".join(parts)


def _count(count: int, noun: str) -> str:
    plural = "" if count == 1 else "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}{plural}"
