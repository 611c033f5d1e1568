"""Many peers at once, idle, stalling, not reading or flooding: each is held up by itself, the others are served."""

from __future__ import annotations

import resource
import ssl
import statistics
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from messagefoundry.harness.mllp import frame
from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess
from tests.acceptance.partner import partner
from tests.acceptance.peers import Line, sender
from tests.acceptance.place import Place, place_in
from tests.acceptance.sending import Sending, adt
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messagefoundry.harness.journal import Journal

FEED = """
inbound("IB", MLLP(port={port}, max_connections=1100), router="all")
inbound("IB_OTHER", MLLP(port={other}), router="all")
inbound("IB_TLS", MLLP(port={tls}, tls=True, tls_cert_file="{pem}", receive_timeout=2), router="all")
soon = RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2)
outbound("OB", MLLP(host="127.0.0.1", port={partner}), retry=soon)

@router("all")
def all(msg):
    return "pass_on"

@handler("pass_on")
def pass_on(msg):
    return Send("OB", msg)
"""
IDLE = 1000
SOON = 0.25
"""Seconds within which others are answered, whatever a crowd does (issue: no ACK elsewhere later than 250 ms)."""

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE


@dataclass(frozen=True)
class Site:
    """An engine with a listener for the crowd, one for the others, and one that speaks TLS."""

    engine: EngineProcess
    port: int
    other: int
    tls: int
    authority: trustme.CA

    def memory(self) -> int:
        """Bytes that the engine holds now."""
        status = Path(f"/proc/{self.engine.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * KILOBYTE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = place_in(tmp_path_factory.mktemp("crowds"))
    other, tls = free_ports(2)
    authority = trustme.CA()
    pem = place.directory / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    with partner() as downstream, files_open(IDLE + 1000):
        place.configure(FEED, other=other, tls=tls, pem=pem, partner=downstream.port)
        with EngineProcess(place).ready() as engine:
            yield Site(engine, place.port, other, tls, authority)
            assert engine.stop() == 0, engine.output
            assert "Traceback" not in engine.output


@contextmanager
def files_open(wanted: int) -> Iterator[None]:
    """Let this process, and what it starts, open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"RLIMIT_NOFILE allows {hard} files, {wanted} are wanted")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def exchanged(line: Line, control_id: str) -> float:
    """Send a message; the seconds until it was answered AA."""
    began = time.perf_counter()
    line.say(frame(adt(control_id)))
    assert line.answer() == ("AA", control_id)
    return time.perf_counter() - began


@contextmanager
def crowd(port: int, count: int) -> Iterator[list[Line]]:
    with ExitStack() as stack:
        yield [stack.enter_context(sender(port)) for _ in range(count)]


def test_1000_idle_connections_cost_little_and_hinder_nobody(site: Site) -> None:
    with sender(site.other) as other:
        alone = statistics.median(exchanged(other, f"ALONE{number}") for number in range(50))
        before = site.memory()
        with crowd(site.port, IDLE) as idle:
            for number, line in enumerate(idle):
                exchanged(line, f"IDLE{number}")
            each = (site.memory() - before) / IDLE
            beside = statistics.median(exchanged(other, f"BESIDE{number}") for number in range(50))
            exchanged(idle[0], "AGAIN0")
            exchanged(idle[-1], "AGAIN1")
    print(
        f"{each / KILOBYTE:.1f} KB an idle connection; ACK median {alone * 1e3:.1f} ms alone, {beside * 1e3:.1f} beside"
    )
    assert beside < SOON
    assert each < 50 * KILOBYTE


def test_peers_that_stall_the_tls_handshake_are_dropped_and_hinder_nobody(site: Site) -> None:
    client = ssl.create_default_context()
    site.authority.configure_trust(client)
    with crowd(site.tls, 150) as stalled:
        for line in stalled[::2]:
            line.say(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        with sender(site.tls) as plain:
            began = time.perf_counter()
            with Line(client.wrap_socket(plain.socket, server_hostname="127.0.0.1")) as line:
                exchanged(line, "TLS")
            took = time.perf_counter() - began
        assert [line.answer() for line in stalled] == [None] * len(stalled)
        dropped = time.perf_counter() - began
    print(f"TLS handshake and ACK beside 150 stalled ones in {took * 1000:.0f} ms; those dropped after {dropped:.1f} s")
    assert took < 1
    assert dropped < 5


LONG_ID = "L" * 10_000
"""A control id that makes acknowledgments long, so that few of them fill the buffers of a connection."""

FAR_TOO_MANY = 10_000
"""Messages, of which 100 MB of acknowledgments would be unread."""


def filled(line: Line) -> list[str]:
    """Send messages for as long as they are taken; the control ids of those that went out whole, or in part."""
    line.socket.settimeout(0.5)
    sent: list[str] = []
    try:
        while len(sent) < FAR_TOO_MANY:
            sent.append(f"{len(sent)}{LONG_ID}")
            line.say(frame(adt(sent[-1])))
    except TimeoutError:
        line.socket.settimeout(10)
        return sent
    raise AssertionError("a peer that reads nothing is listened to without end")


def test_peers_that_do_not_read_their_acks_hold_up_themselves_alone(site: Site) -> None:
    with sender(site.other) as other, crowd(site.port, 2) as slow:
        before = site.memory()
        sent = [filled(line) for line in slow]
        beside = statistics.median(exchanged(other, f"QUICK{number}") for number in range(50))
        grown = site.memory() - before
        for control_id in sent[0][:-1]:  # what it reads late is all there, in order
            assert (slow[0].content() or b"").endswith(f"MSA|AA|{control_id}\r".encode())
    print(
        f"{len(sent[0])} messages of one peer until it was held up, {grown / MEGABYTE:.1f} MB for two of them; "
        f"ACK median elsewhere {beside * 1000:.1f} ms"
    )
    assert beside < SOON
    assert grown < 40 * MEGABYTE


def flood(port: int, over: threading.Event, opened: list[int]) -> None:
    """Connect and leave, as fast as this machine does."""
    while not over.is_set():
        with sender(port):
            opened[0] += 1


def latest_ack(journal: Journal) -> tuple[float, float]:
    """The 99th percentile and the maximum of the seconds to an ACK."""
    took = sorted((entry.answered_ns - entry.sent_ns) / 1e9 for entry in journal)
    return took[len(took) * 99 // 100], took[-1]


def test_a_flood_of_connections_on_one_listener_leaves_another_alone(site: Site) -> None:
    quiet, _ = latest_ack(Sending(site.other, connections=4, count=300, rate=150).ended())
    over, opened = threading.Event(), [0]
    flooding = threading.Thread(target=flood, args=(site.port, over, opened))
    with crowd(site.port, 1090):
        flooding.start()
        try:
            journal = Sending(site.other, connections=4, count=300, rate=150).ended()
        finally:
            over.set()
            flooding.join()
    p99, latest = latest_ack(journal)
    print(
        f"ACK p99 {quiet * 1000:.1f} ms alone, {p99 * 1000:.1f} ms (latest {latest * 1000:.1f}) "
        f"beside {opened[0]} connections made and left"
    )
    assert journal.codes() == {"AA": 300}
    assert opened[0] > 300
    assert p99 < max(SOON, 2 * quiet)  # a machine that is busy with something else is slow without any flood, too


def test_without_file_descriptors_who_is_connected_is_served_and_others_wait(place: Place) -> None:
    few = ("sh", "-c", 'ulimit -n 80; exec "$@"', "sh")
    with partner() as downstream:
        (tls, other) = free_ports(2)
        feed = "\n".join(line for line in FEED.splitlines() if "IB_TLS" not in line)
        place.configure(feed, other=other, tls=tls, partner=downstream.port)
        with EngineProcess(place, under=few).ready() as engine:
            with sender(place.port) as first:
                exchanged(first, "FIRST")
                with crowd(place.port, 120):
                    until(lambda: "cannot accept" in engine.output, "no descriptor is left")
                    exchanged(first, "WITHOUT")
                with sender(place.port) as late:
                    exchanged(late, "LATE")
            until(engine.at_rest, "everything is delivered")
            assert engine.stop() == 0, engine.output
        assert "Traceback" not in engine.output
