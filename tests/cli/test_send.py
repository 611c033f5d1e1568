"""`send` against a scripted partner on a real socket."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from messagefoundry.cli.sources import SUFFIXES
from messagefoundry.testing import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Command

MESSAGE = "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|{}|T|2.5.1\nPID|1||1||TESTWELL^ADA\n"
Answer = Callable[[bytes], bytes | None]


def ack(code: str, text: str = "", control_id: bytes | None = None) -> Answer:
    def answer(raw: bytes) -> bytes:
        number = raw.split(b"|")[9] if control_id is None else control_id
        return b"\x0bMSH|^~\\&|C|D|A|B|2025||ACK|X1|T|2.5.1\rMSA|%s|%s|%s\r\x1c\r" % (
            code.encode(),
            number,
            text.encode(),
        )

    return answer


@contextmanager
def partner(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Answer each message as scripted, the last way for all that follow; None closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def converse(connection: socket.socket) -> None:
        rest = b""
        while data := connection.recv(65536):
            rest += data
            while b"\x1c\r" in rest:
                raw, _, rest = rest.partition(b"\x1c\r")
                received.append(raw.removeprefix(b"\x0b"))
                reply = answers[min(len(received), len(answers)) - 1](raw)
                if reply is None:
                    return
                connection.sendall(reply)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with tls.wrap_socket(connection, server_side=True) if tls else connection as wrapped:
                    converse(wrapped)
            except OSError:
                connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1], received
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for number in range(3):
        (tmp_path / f"{number}.hl7").write_text(MESSAGE.format(f"M{number}"))
    return tmp_path


def test_every_answer_is_shown_and_segments_go_out_with_cr(files: Path, command: Command) -> None:
    with partner(ack("AA", "thank you")) as (port, received):
        ran = command("send", f"127.0.0.1:{port}", files)
    assert ran.code == 0
    assert received[0] == MESSAGE.format("M0").replace("\n", "\r").encode()
    first, *_, summary = ran.out.splitlines()
    assert first.startswith("AA ")
    assert "M0" in first
    assert first.endswith("thank you")
    assert summary.startswith("3 messages sent, 3 accepted; ")
    assert "TESTWELL" not in ran.out + ran.err


def test_anything_but_an_accept_exits_1_and_the_rest_is_sent(files: Path, command: Command) -> None:
    with partner(ack("AA"), ack("AE", "no"), ack("CA")) as (port, received):
        ran = command("send", f"127.0.0.1:{port}", files)
    assert ran.code == 1
    assert len(received) == 3
    assert "3 messages sent, 2 accepted (1 AE)" in ran.out


def complaining(*segments: str) -> Answer:
    def answer(raw: bytes) -> bytes:
        lines = ["MSH|^~\\&|C|D|A|B|2025||ACK|X1|T|2.5.1", f"MSA|AE|{raw.split(b'|')[9].decode()}|of MSA-3", *segments]
        return b"\x0b" + "\r".join(lines).encode() + b"\r\x1c\r"

    return answer


@pytest.mark.parametrize(
    ("segments", "text"),
    [
        ([], "of MSA-3"),
        (["ERR||PID^1|207^Application internal error^HL70357|E||||not here, really"], "207 not here, really"),
        (["ERR||PID^1|101^Required field missing^HL70357|E"], "101 Required field missing"),
        (["ERR||PID^1^3|101|E||||first", "ERR||PV1^1^2|103|E||||second"], "101 first; 103 second"),
        (["ERR|PID^1^5^101&Required field missing&HL70357"], "101 of MSA-3"),
        (["ERR|"], "of MSA-3"),
    ],
)
def test_a_refusal_is_shown_with_its_reason(files: Path, command: Command, segments: list[str], text: str) -> None:
    with partner(complaining(*segments)) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", files / "0.hl7")
    assert ran.code == 1
    assert ran.out.splitlines()[0].endswith(f"0.hl7  {text}")


BATCH = b"FHS|^~\\&\rBHS|^~\\&|A|B\n" + MESSAGE.format("M1").encode() + MESSAGE.format("M2").encode() + b"BTS|2\n"


def test_a_batch_goes_without_its_envelope_or_as_it_is(tmp_path: Path, command: Command) -> None:
    (tmp_path / "batch.hl7").write_bytes(BATCH)
    with partner(ack("AA", control_id=b"M1"), ack("AA")) as (port, received):
        whole = command("send", f"127.0.0.1:{port}", tmp_path / "batch.hl7", "--as-is")
        apart = command("send", f"127.0.0.1:{port}", tmp_path / "batch.hl7")
    assert (whole.code, apart.code) == (0, 0)
    assert received[0] == BATCH
    assert [raw.split(b"|")[9] for raw in received[1:]] == [b"M1", b"M2"]
    assert b"HS|" not in b"".join(received[1:])


@pytest.mark.parametrize(
    ("acknowledgments", "code", "said"),
    [
        ("MSA|AA|M1\r~MSA|AA|M2\r", 0, "a batch of acknowledgments: 2 AA"),
        ("MSA|AA|M1\r~MSA|AE|M2\rERR|||102^Data type|E||||Bad text\r", 1, "acknowledgments: 1 AA, 1 AE: 102 Bad text"),
        ("", 0, "a batch of acknowledgments: none that is negative"),
    ],
)
def test_a_batch_is_answered_with_a_batch(
    tmp_path: Path, command: Command, acknowledgments: str, code: int, said: str
) -> None:
    (tmp_path / "batch.hl7").write_bytes(BATCH)
    header = "MSH|^~\\&|C|D|A|B|2025||ACK|X1|T|2.5.1\r"
    answers = "".join(header + each for each in acknowledgments.split("~") if each)
    reply = f"\x0bBHS|^~\\&|C|D\r{answers}BTS|{answers.count('MSA')}\r\x1c\r".encode()
    with partner(lambda raw: reply) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", tmp_path / "batch.hl7", "--as-is")
    assert ran.code == code
    assert said in ran.out


NAMED = BATCH.replace(b"BHS|^~\\&|A|B", b"BHS|^~\\&|A|B|C|D|2025||||B1")


@pytest.mark.parametrize(
    ("acknowledgments", "accepted", "codes"),
    [
        ("BHS|^~\\&|C\r!MSA|AA|M1\r!MSA|AA|M2\r!BTS|2\r", 2, "2 AA"),
        ("BHS|^~\\&|C\r!MSA|AA|M1\r!MSA|AE|M2\r!BTS|2\r", 1, "1 AA, 1 AE"),
        ("BHS|^~\\&|C\r!MSA|AR|M2\r!BTS|1\r", 1, "1 AR"),
        ("BHS|^~\\&|C\r!MSA|AR|B1\r!BTS|1\r", 0, "1 AR"),
        ("BHS|^~\\&|C\r!MSA|AA|M1\r!BTS|1\r", 1, "1 AA"),
        ("MSA|AA|B1\r", 2, "1 AA"),
        ("MSA|AE|B1\r", 0, "1 AE"),
        ("MSA|AA|M1\r", 2, "1 AA"),
    ],
)
def test_a_batch_is_counted_by_its_messages_and_by_what_came_of_each(
    tmp_path: Path, command: Command, acknowledgments: str, accepted: int, codes: str
) -> None:
    (tmp_path / "batch.hl7").write_bytes(NAMED)
    header = "MSH|^~\\&|C|D|A|B|2025||ACK|X1|T|2.5.1\r"
    parts = [header + each if each.startswith("MSA") else each for each in acknowledgments.split("!")]
    reply = "".join(parts)
    with partner(lambda raw: f"\x0b{reply}\x1c\r".encode()) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", tmp_path / "batch.hl7", "--as-is")
        told = command("send", f"127.0.0.1:{port}", tmp_path / "batch.hl7", "--as-is", "--json")
    assert ran.code == told.code == (0 if accepted == 2 else 1)
    first, summary = ran.out.splitlines()
    assert first.split()[3] == "B1"
    assert "batch.hl7  a batch of 2 messages" in first
    assert summary.startswith(f"1 batch of 2 messages sent, {accepted} accepted ({codes}); ")
    answer, facts = map(json.loads, told.out.splitlines())
    assert (answer["control_id"], answer["batch"]) == ("B1", 2)
    assert [facts[name] for name in ("messages", "sent", "batches", "accepted")] == [2, 2, 1, accepted]


def test_batches_and_messages_are_told_apart(tmp_path: Path, command: Command) -> None:
    for name, content in (("a", NAMED), ("b", NAMED), ("c", MESSAGE.format("M3").encode()), ("d", BATCH)):
        (tmp_path / f"{name}.hl7").write_bytes(content)
    with partner(ack("AA"), ack("AA"), ack("AA"), lambda raw: None) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", tmp_path, "--as-is")
    assert ran.code == 1
    *_, last, summary = ran.out.splitlines()
    assert "no BHS-11" in last
    assert summary.startswith("1 message and 3 batches of 6 messages sent, 5 accepted (3 AA, 1 none); ")


def test_the_help_names_what_is_looked_for_and_what_is_taken_off(command: Command) -> None:
    shown = " ".join(command("send", "--help").out.split())
    assert [suffix for suffix in SUFFIXES if f"*{suffix}" not in shown] == []
    assert "the envelope of a batch (FHS, BHS, BTS, FTS) is taken off" in shown


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ack("AA", control_id=b"OTHER"), "AA for another message: MSA-2 is OTHER"),
        (lambda raw: b"\x0bhello\x1c\r", "the answer is no HL7 acknowledgment"),
        (lambda raw: None, "the partner closed the connection instead of answering"),
        (lambda raw: b"", "no answer within 0.2 s"),
    ],
)
def test_an_answer_that_is_none(files: Path, command: Command, answer: Answer, reason: str) -> None:
    with partner(answer, ack("AA")) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", files / "0.hl7", "--timeout", "0.2")
    assert ran.code == 1
    assert reason in ran.out


def test_programs_get_a_line_for_each(files: Path, command: Command) -> None:
    with partner(ack("AA")) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", files, "--json")
    *answers, summary = [json.loads(line) for line in ran.out.splitlines()]
    assert [(each["control_id"], each["code"]) for each in answers] == [("M0", "AA"), ("M1", "AA"), ("M2", "AA")]
    assert summary["accepted"] == 3


def test_several_connections_send_everything_once(tmp_path: Path, command: Command) -> None:
    (tmp_path / "many.hl7").write_text("".join(MESSAGE.format(f"M{number:03}") for number in range(40)))
    with partner(ack("AA")) as (port, received):
        # The partner takes one connection at a time: the others wait for it to end.
        ran = command("send", f"127.0.0.1:{port}", tmp_path / "many.hl7", "--connections", 3)
    assert ran.code == 0
    assert sorted(raw.split(b"|")[9] for raw in received) == [f"M{number:03}".encode() for number in range(40)]


def test_a_rate_is_kept(files: Path, command: Command) -> None:
    with partner(ack("AA")) as (port, _):
        ran = command("send", f"127.0.0.1:{port}", files, "--rate", 10, "--json")
    assert json.loads(ran.out.splitlines()[-1])["per_second"] <= 15.1


def test_nobody_there(files: Path, command: Command) -> None:
    port = free_port()
    ran = command("send", f"127.0.0.1:{port}", files)
    assert ran.code == 1
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused" in ran.out
    assert "0 messages sent, 0 accepted, 3 not sent" in ran.out


def test_tls_verifies_the_partner(files: Path, command: Command) -> None:
    ours, strange = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    for name, authority in (("ours", ours), ("strange", strange)):
        authority.cert_pem.write_to_path(files / f"{name}.pem")
    with partner(ack("AA"), tls=context) as (port, received):
        good = command("send", f"127.0.0.1:{port}", files / "0.hl7", "--ca", files / "ours.pem")
        bad = command("send", f"127.0.0.1:{port}", files / "0.hl7", "--ca", files / "strange.pem")
    assert good.code == 0
    assert bad.code == 1
    assert "its certificate does not verify" in bad.out
    assert len(received) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "0.hl7"), "'nowhere' is no address"),
        (("127.0.0.1:0", "0.hl7"), "'127.0.0.1:0' is no address"),
        (("127.0.0.1:1", "none.hl7"), "none.hl7: there is no such file or folder"),
        (("127.0.0.1:1", "0.hl7", "--ca", "none.pem"), "none.pem: there is no such file"),
        (("127.0.0.1:1", "0.hl7", "--ca", "0.hl7"), "cannot be used"),
    ],
)
def test_mistakes_of_the_call(
    files: Path, command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(files)
    ran = command("send", *arguments)
    assert ran.code == 2
    assert sentence in ran.err
