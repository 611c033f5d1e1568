"""Peers for the harness's tests: real sockets, served in a thread of their own."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from messagefoundry.harness.mllp import Frames, acknowledge, read_header
from messagefoundry.harness.partner import deliver
from messagefoundry.harness.sink import Answering, Sink

Answer = Callable[[bytes], bytes]


def accept(content: bytes) -> bytes:
    """Answer AA."""
    return acknowledge(read_header(content).control_id)


@contextmanager
def in_thread(work: Callable[[], None], stop: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Run work beside the test; at the end stop it, wait for it, and raise what it raised."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001  raised again below
            failures.append(failure)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(10)
    assert not thread.is_alive()
    for failure in failures:
        raise failure


@contextmanager
def running_sink(answering: Answering | None = None, ports: int = 1) -> Iterator[Sink]:
    """Serve a sink until the test is done with it."""
    sink = Sink([0] * ports, answering)
    with in_thread(sink.run, sink.stop):
        yield sink


@contextmanager
def peer(answer: Answer, then: Callable[[list[bytes]], None] = lambda _: None) -> Iterator[int]:
    """Serve one connection: answer every message, close when the answer is empty; `then` gets all contents.

    Yields the port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work() -> None:
            with listener.accept()[0] as sock:
                contents = _converse(sock, answer)
            then(contents)

        with in_thread(work):
            yield listener.getsockname()[1]


@contextmanager
def relay(sink: Sink, alter: Callable[[Sequence[bytes]], Sequence[bytes]]) -> Iterator[int]:
    """Accept everything, then pass it on altered: an engine with a fault of one's choice. Yields the port."""

    def pass_on(contents: list[bytes]) -> None:
        assert all(reply.code == "AA" for reply in deliver(alter(contents), sink.ports[0]))

    with peer(accept, pass_on) as port:
        yield port


def _converse(sock: socket.socket, answer: Answer) -> list[bytes]:
    frames, seen = Frames(), list[bytes]()
    while data := sock.recv(65536):
        for content in frames.feed(data):
            seen.append(content)
            if not (reply := answer(content)):
                return seen
            sock.sendall(reply)
    return seen
