from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from messagefoundry.harness.acts import Act, read_script
from messagefoundry.harness.headers import Batch, read_batch, read_header
from messagefoundry.harness.mllp import Frames, frame, read_acknowledgment
from messagefoundry.harness.scripted_partner import Received, ScriptedPartner, printable
from messagefoundry.message.batch_reply import read_batch_reply


def message(control_id: str) -> bytes:
    return f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|T|2.5.1\rPID|1||SECRET\r".encode()


def batch(control_id: str, *messages: str) -> bytes:
    header = f"BHS|^~\\&|A|B|C|D|20260101||||{control_id}\r".encode()
    return header + b"".join(map(message, messages)) + f"BTS|{len(messages)}\r".encode()


class Peer:
    """A sender on one connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self.frames = stream, Frames()

    async def ask(self, control_id: str) -> bytes:
        """Send a message and give what comes back; empty when the connection ends first."""
        return await self.ask_about(message(control_id))

    async def ask_about(self, content: bytes) -> bytes:
        """The same of any content."""
        await self.stream.send_all(frame(content))
        while data := await self.stream.receive_some(4096):
            if contents := self.frames.feed(data):
                return contents[0]
        return b""


@asynccontextmanager
async def partner(script: str, heard: Callable[[Received, Act], None] | None = None) -> AsyncIterator[int]:
    acts = read_script(script)
    there = ScriptedPartner(lambda received: acts.act(received.number), heard)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            yield await nursery.start(there.serve, 0)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Peer]:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield Peer(stream)


async def test_codes_are_answered_in_order_whatever_connection_asks() -> None:
    async with partner("AE; AR; CA") as port:
        codes = []
        for number in range(4):
            async with calling(port) as peer:
                codes.append(read_acknowledgment(await peer.ask(f"M{number}")))
    assert codes == [("AE", "M0"), ("AR", "M1"), ("CA", "M2"), ("AA", "M3")]


async def test_a_closed_connection_takes_no_answer_with_it() -> None:
    async with partner("close") as port:
        async with calling(port) as peer:
            assert await peer.ask("M0") == b""
        async with calling(port) as peer:
            assert read_acknowledgment(await peer.ask("M0")).code == "AA"


async def test_garbage_is_a_frame_that_acknowledges_nothing() -> None:
    async with partner("garbage") as port, calling(port) as peer:
        reply = await peer.ask("M0")
        assert reply
        assert read_acknowledgment(reply) == ("", "")
        assert read_acknowledgment(await peer.ask("M1")) == ("AA", "M1")


async def test_a_wrong_id_acknowledges_another_message() -> None:
    async with partner("wrong-id") as port, calling(port) as peer:
        code, control_id = read_acknowledgment(await peer.ask("M0"))
        assert code == "AA"
        assert control_id != "M0"


async def test_silence_leaves_the_connection_open() -> None:
    told = trio.Event()
    async with partner("none", lambda *_: told.set()) as port, calling(port) as peer:
        await peer.stream.send_all(frame(message("M0")))
        await told.wait()
        assert read_acknowledgment(await peer.ask("M1")) == ("AA", "M1")


async def test_a_delay_comes_before_the_answer() -> None:
    async with partner("delay 0.2 then AA") as port, calling(port) as peer:
        began = trio.current_time()
        assert read_acknowledgment(await peer.ask("M0")).code == "AA"
        assert trio.current_time() - began >= 0.2


async def test_a_slow_answer_on_one_connection_holds_up_no_other() -> None:
    came = trio.Event()

    def answering(received: Received) -> Act:
        came.set()
        return Act("AA", 3600) if received.number == 0 else Act()

    there = ScriptedPartner(answering)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(there.serve, 0)
            async with calling(port) as slow, calling(port) as quick:
                await slow.stream.send_all(frame(message("M0")))
                await came.wait()
                assert read_acknowledgment(await quick.ask("M1")).code == "AA"
                assert there.connections == 2
                nursery.cancel_scope.cancel()


async def test_each_message_is_told_with_what_happened_to_it() -> None:
    heard: list[tuple[int, str, str, str]] = []

    def hearing(received: Received, act: Act) -> None:
        heard.append((received.number, received.messages[0].message_type, received.control_id, act.outcome))
        assert "SECRET" not in repr(received)

    async with partner("AA; close", hearing) as port, calling(port) as peer:
        await peer.ask("M0")
        await peer.ask("M1")
    assert heard == [(0, "ADT^A01", "M0", "AA"), (1, "ADT^A01", "M1", "close")]


async def test_many_messages_in_one_write_are_answered_each() -> None:
    async with partner("AE") as port, calling(port) as peer:
        await peer.stream.send_all(frame(message("M0")) + frame(message("M1")))
        replies: list[bytes] = []
        while len(replies) < 2:
            replies += peer.frames.feed(await peer.stream.receive_some(4096))
    assert [read_acknowledgment(reply) for reply in replies] == [("AE", "M0"), ("AA", "M1")]


async def test_a_batch_is_one_frame_with_one_answer_for_all() -> None:
    heard: list[tuple[int, str, list[str]]] = []

    def hearing(received: Received, act: Act) -> None:
        heard.append((received.number, received.control_id, [each.control_id for each in received.messages]))

    async with partner("AE; wrong-id", hearing) as port, calling(port) as peer:
        assert read_acknowledgment(await peer.ask_about(batch("B1", "M1", "M2"))) == ("AE", "B1")
        assert read_acknowledgment(await peer.ask_about(batch("B2", "M3"))) == ("AA", "NOT-B2")
        assert read_acknowledgment(await peer.ask("M4")) == ("AA", "M4")
    assert heard == [(0, "B1", ["M1", "M2"]), (1, "B2", ["M3"]), (2, "M4", ["M4"])]


async def test_each_message_of_a_batch_is_answered_by_itself() -> None:
    async with partner("each AA AE; each CR") as port, calling(port) as peer:
        reply = read_batch_reply(await peer.ask_about(batch("B1", "M1", "M2", "M3")))
        assert read_acknowledgment(await peer.ask("M4")) == ("CR", "M4")
    assert reply.final
    answers = [answer.acknowledgment for answer in reply.answers]
    assert [(each.code, each.control_id) for each in answers] == [("AA", b"M1"), ("AE", b"M2"), ("AE", b"M3")]


@pytest.mark.parametrize(
    ("content", "control_id", "control_ids"),
    [
        (batch("B1", "M1", "M2"), "B1", ["M1", "M2"]),
        (batch("B1"), "B1", []),
        (b"FHS|^~\\&\r\n" + batch("B1", "M1").replace(b"\r", b"\r\n"), "B1", ["M1"]),
        (b"BHS#^~\\&#########\rMSH#^~\\&#A#B#C#D#T##ADT^A01#7#T#2.5\r", "", ["7"]),
        (b"BHS|\rBHX|", "", []),
        (b"BHS|", "", []),
    ],
)
def test_a_batch_is_read_with_its_messages(content: bytes, control_id: str, control_ids: list[str]) -> None:
    found = read_batch(content)
    assert isinstance(found, Batch)
    assert (found.control_id, [each.control_id for each in found.messages]) == (control_id, control_ids)


@pytest.mark.parametrize("content", [b"", b"BHS", b"BHS1|", message("M1") + b"BHS|1\r"])
def test_what_does_not_begin_as_a_batch_is_none(content: bytes) -> None:
    assert read_batch(content) is None


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"MSH|^~\\&|A|B|C|D|T||ADT^A01|7|T|2.5\rPID|", ("ADT^A01", "7")),
        (b"MSH#^~\\&#A#B#C#D#T##ADT^A01#7#T#2.5\r", ("ADT^A01", "7")),
        (b"MSH|^~\\&|A", ("", "")),
        (b"MSH", ("", "")),
        (b"nothing of the kind", ("", "")),
        (b"", ("", "")),
    ],
)
def test_the_header_is_read_in_its_own_separators(content: bytes, header: tuple[str, str]) -> None:
    assert read_header(content) == header


def test_what_is_printed_moves_no_cursor() -> None:
    assert printable("A\x1b[2J\nB") == "A?[2J?B"
    assert len(printable("x" * 500)) == 80
