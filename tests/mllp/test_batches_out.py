"""Batches over real sockets: one frame out, and every way in which a partner answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from messagefoundry.contracts import Delivered, OutboundBatch, OutboundItem, PartnerFault, Rejected, Unreachable
from messagefoundry.contracts.outbound import MemberOutcome, Unanswered
from messagefoundry.message import build_batch, split_batch
from messagefoundry_mllp.sender import BatchSender, mllp_sender
from messagefoundry_mllp.settings import MLLPSettings

from .world import HOST, Engine, Script, ack, adt, answer_all, framed, item, partner, read_all, read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

ID = "1795350561102496"


def mllp(port: int, engine: Engine | None = None, **options: object) -> BatchSender:
    settings = {"host": HOST, "port": port, "timeout_seconds": 5, **options}
    return mllp_sender(MLLPSettings.model_validate(settings), engine or Engine())


def batch(*payloads: bytes) -> OutboundBatch:
    members = tuple(OutboundItem(number, number, payload, 1) for number, payload in enumerate(payloads, 1))
    return OutboundBatch(ID.encode(), b"20260102", members)


THREE = batch(adt("1"), adt("2"), adt("3"))


def written(sent: OutboundBatch) -> bytes:
    return build_batch([each.payload for each in sent.members], control_id=sent.control_id, created=sent.created)


def enveloped(*acknowledgments: bytes) -> bytes:
    return b"BHS|^~\\&|C|D|A|B|20260101||||5|%b\r" % ID.encode() + b"".join(acknowledgments) + b"BTS|9\r"


def answering(*frames: bytes, leave: bool = False) -> Script:
    """Answer each batch with these frames until the sender leaves, or leave after the first."""

    async def script(stream: trio.abc.Stream) -> None:
        while not leave:
            try:
                await read_frame(stream)
            except AssertionError:
                return
            await stream.send_all(b"".join(map(framed, frames)))
        await read_frame(stream)
        await stream.send_all(b"".join(map(framed, frames)))

    return script


async def silent(stream: trio.abc.Stream) -> None:
    await read_all(stream)


def told(outcomes: Sequence[MemberOutcome]) -> list[str]:
    """Each outcome in a word."""
    words = {Delivered: "delivered", Unanswered: "unanswered"}
    return [
        ("dead" if each.permanent else "retry") if isinstance(each, Rejected) else words[type(each)]
        for each in outcomes
    ]


async def test_a_batch_is_one_frame() -> None:
    seen = []

    async def script(stream: trio.abc.Stream) -> None:
        seen.append(await read_frame(stream))
        await stream.send_all(framed(ack(ID)))
        await read_all(stream)

    async with partner(script) as server, mllp(server.port) as sender:
        outcomes = await sender.send_batch(THREE)
    assert seen == [written(THREE)]
    assert told(outcomes) == ["delivered"] * 3
    for each in outcomes:
        assert isinstance(each, Delivered)
        assert (each.reply, each.msa_1, each.msa_2, each.peer) == (ack(ID), "AA", ID, f"{HOST}:{server.port}")
        assert 0 < each.sent_at <= each.acknowledged_at


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([ack(ID)], ["delivered"] * 3),
        ([ack("")], ["delivered"] * 3),
        ([ack(ID, "CA")], ["delivered"] * 3),
        ([ack(ID, "AE")], ["retry"] * 3),
        ([ack(ID, "AR")], ["dead"] * 3),
        ([enveloped(ack("1"), ack("2", "AE"), ack("3", "AR"))], ["delivered", "retry", "dead"]),
        ([ack("1") + ack("2", "AE") + ack("3", "AR")], ["delivered", "retry", "dead"]),
        ([enveloped(ack("1"), ack("3", "AR"))], ["delivered", "unanswered", "dead"]),
        ([enveloped(ack("3"))], ["unanswered", "unanswered", "delivered"]),
        ([ack("1"), ack("2", "AR"), ack("3")], ["delivered", "dead", "delivered"]),
        ([ack("3"), ack("1") + ack("2", "AE")], ["delivered", "retry", "delivered"]),
        ([ack("1")] * 4 + [ack("2"), ack("3")], ["delivered"] * 3),
        ([ack("other"), ack("1"), ack("1"), ack(ID)], ["delivered"] * 3),
    ],
)
async def test_what_a_partner_answers(frames: list[bytes], expected: list[str]) -> None:
    async with partner(answering(*frames)) as server, mllp(server.port) as sender:
        for _ in range(2):
            assert told(await sender.send_batch(THREE)) == expected
        assert server.connections == 1


async def test_every_member_keeps_its_own_acknowledgment() -> None:
    reply = enveloped(ack("1"), ack("2", "AE").replace(b"|2\r", b"|2|DOE^JANE\rERR|||204\r"))
    async with partner(answering(reply)) as server, mllp(server.port) as sender:
        first, second, third = await sender.send_batch(THREE)
    assert isinstance(first, Delivered)
    assert isinstance(second, Rejected)
    assert isinstance(third, Unanswered)
    assert (first.reply, first.msa_2) == (ack("1"), "1")
    assert (second.msa_1, second.msa_2, second.reason) == ("AE", "2", "the partner answered AE (204)")
    assert second.reply == ack("2", "AE").replace(b"|2\r", b"|2|DOE^JANE\rERR|||204\r")
    assert third.reason == "the reply to its batch leaves this message out"


async def test_nak_decides_for_members_too() -> None:
    nak = {"AE": "dead", "AR": "retry"}
    reply = enveloped(ack("1"), ack("2", "AE"), ack("3", "AR"))
    async with partner(answering(reply)) as server, mllp(server.port, nak=nak) as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered", "dead", "retry"]


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (silent, "no reply within 0.2 s"),
        (answering(leave=True), "closed the connection before its reply"),
        (answering(b"hello"), "not an acknowledgment"),
        (answering(enveloped()), "not an acknowledgment"),
        (answering(ack(ID, "XX")), "not an acknowledgment"),
        (answering(ack("other")), "no reply within 0.2 s"),
    ],
)
async def test_no_answer_means_that_nothing_is_known_of_any(script: Script, text: str) -> None:
    async with partner(script, answering(ack(ID))) as server, mllp(server.port, timeout_seconds=0.2) as sender:
        with pytest.raises(Unreachable, match=text) as caught:
            await sender.send_batch(THREE)
        assert caught.value.outcome_unknown
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
        assert server.connections == 2


@pytest.mark.parametrize("script", [answering(ack("2")), answering(ack("2"), leave=True)])
async def test_answers_that_stop_coming_settle_whom_they_named(script: Script) -> None:
    """The connection is closed: what comes late must not meet the next batch."""
    async with partner(script, answering(ack(ID))) as server, mllp(server.port, timeout_seconds=0.2) as sender:
        first, second, third = await sender.send_batch(THREE)
        assert told([first, second, third]) == ["unanswered", "delivered", "unanswered"]
        assert isinstance(first, Unanswered)
        assert f"{HOST}:{server.port}" in first.reason
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
        assert server.connections == 2


async def test_three_replies_to_others_stop_the_lane() -> None:
    async with partner(answering(ack("a"), ack("b"), ack("c"))) as server, mllp(server.port) as sender:
        with pytest.raises(PartnerFault, match="3 replies in a row"):
            await sender.send_batch(THREE)


@pytest.mark.parametrize("late", [[ack(ID)], [ack("1"), ack("2"), ack("3")]])
async def test_application_acknowledgments_after_ca_are_noted(late: list[bytes]) -> None:
    """They belong to members that are settled, and the connection stays good."""
    engine = Engine()
    early = [acknowledgment.replace(b"MSA|AA", b"MSA|CA") for acknowledgment in late]

    async def script(stream: trio.abc.Stream) -> None:
        await read_frame(stream)
        await stream.send_all(b"".join(map(framed, [*early, *late])))
        await answer_all(stream)

    async with partner(script) as server, mllp(server.port, engine) as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
        with trio.fail_after(5):
            assert isinstance(await sender.send(item(adt("9"))), Delivered)
        assert server.connections == 1
    assert engine.kinds() == ["application acknowledgment"] * len(late)


async def test_without_verification_one_acknowledgment_is_for_all() -> None:
    async with partner(answering(ack("3"))) as server, mllp(server.port, verify_ack_control_id=False) as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3


async def test_without_acknowledgments_a_batch_is_delivered_when_it_is_written() -> None:
    async with partner(silent) as server, mllp(server.port, no_ack=True) as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3


async def test_members_that_cannot_be_framed_die_alone() -> None:
    seen = []

    async def script(stream: trio.abc.Stream) -> None:
        seen.append(await read_frame(stream))
        await stream.send_all(framed(ack(ID)))
        await read_all(stream)

    broken = adt("2") + b"NTE|\x1c\r"
    async with partner(script) as server, mllp(server.port) as sender:
        outcomes = await sender.send_batch(batch(adt("1"), broken, adt("3")))
        alone = await sender.send_batch(batch(broken))
    assert told(outcomes) == ["delivered", "dead", "delivered"]
    assert told(alone) == ["dead"]
    assert split_batch(seen[0]).members == [adt("1"), adt("3")]


async def test_members_are_rewritten_as_single_messages_are() -> None:
    seen = []

    async def script(stream: trio.abc.Stream) -> None:
        seen.append(await read_frame(stream))
        await stream.send_all(framed(ack(ID)))
        await read_all(stream)

    async with partner(script) as server, mllp(server.port, encoding_characters="!@~\\&") as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
    assert seen[0].startswith(b"BHS!@~\\&!A!B!C!D!20260102!!!!" + ID.encode())
    assert [member[:9] for member in split_batch(seen[0]).members] == [b"MSH!@~\\&!"] * 3


async def test_batches_and_single_messages_share_the_connection() -> None:
    replies = [framed(ack(ID)), framed(ack("9")), framed(enveloped(ack("1"), ack("2"), ack("3")))]

    async def script(stream: trio.abc.Stream) -> None:
        for reply in replies:
            await read_frame(stream)
            await stream.send_all(reply)
        await read_all(stream)

    async with partner(script) as server, mllp(server.port) as sender:
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
        assert isinstance(await sender.send(item(adt("9"))), Delivered)
        assert told(await sender.send_batch(THREE)) == ["delivered"] * 3
        assert server.connections == 1


async def test_a_batch_of_a_thousand_answered_one_by_one() -> None:
    many = batch(*(adt(str(number)) for number in range(1000)))

    async def script(stream: trio.abc.Stream) -> None:
        members = split_batch(await read_frame(stream)).members
        await stream.send_all(enveloped_frame(len(members)))
        await read_all(stream)

    async with partner(script) as server, mllp(server.port) as sender:
        assert told(await sender.send_batch(many)) == ["delivered"] * 1000


def enveloped_frame(count: int) -> bytes:
    return framed(enveloped(*(ack(str(number)) for number in range(count))))
