"""What a message says is shown to nobody unasked: by no log, no page and no command, whatever goes wrong."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

from messagefoundry.harness.mllp import START, frame, read_header
from messagefoundry.testing import free_ports
from tests.acceptance.engine_process import EngineProcess, run_command
from tests.acceptance.partner import answering, exchange
from tests.acceptance.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.acceptance.place import Place

MARK = "ZQMARKQZ"
"""In every value that must not be seen."""

FEED = f"""
import time

inbound("IB", MLLP(port={{port}}, max_frame_bytes=50_000), router="by_case", max_message_bytes=20_000)
inbound("IB_FILE", File(directory="{{incoming}}", poll_seconds=0.1, max_file_bytes=30_000), router="by_case")
patient = RetryPolicy(max_attempts=2, backoff_seconds=0.05)
outbound("OB", MLLP(host="127.0.0.1", port={{partner}}, timeout_seconds=5), retry=patient)
at_once = RetryPolicy(backoff_seconds=0)
outbound("OB_STOPS", MLLP(host="127.0.0.1", port={{partner}}, timeout_seconds=0.2), retry=at_once)
outbound("OB_ASCII", MLLP(host="127.0.0.1", port={{partner}}, encoding="ascii"))
outbound("OB_AWAY", MLLP(host="127.0.0.1", port={{nobody}}), retry=patient)

class Mute(Exception):
    def __str__(self):
        raise ValueError(self.args[0])

@router("by_case")
def by_case(msg):
    if msg["MSH-10"] == "ROUTER":
        raise ValueError(msg.encode())
    if msg["MSH-10"] == "NOBODY":
        return "no_such_handler"
    return "cases"

@handler("cases")
def cases(msg):
    case, name = msg["MSH-10"], msg["PID-5.1"]
    if case == "VALUE":
        raise ValueError(msg.encode())
    if case == "KEY":
        return {{{{}}}}[name]
    if case == "EXIT":
        raise SystemExit(msg.encode())
    if case == "INTERRUPT":
        raise KeyboardInterrupt(name)
    if case == "CHAIN":
        try:
            int(name)
        except ValueError as error:
            raise RuntimeError(msg["OBX-5"]) from error
    if case == "GROUP":
        raise ExceptionGroup(name, [ValueError(name)])
    if case == "MUTE":
        raise Mute(name)
    if case == "TEXT":
        return name
    if case == "NOWHERE":
        return Send("OB_UNDECLARED", msg)
    if case == "ASCII":
        msg["PID-5.1"] = "{MARK}\\u00e9"
        return Send("OB_ASCII", msg)
    if case == "SLOW":
        time.sleep(0.2)
    if case == "AWAY":
        return Send("OB_AWAY", msg)
    return Send("OB_STOPS" if case == "MISMATCH" else "OB", msg)
"""

DEAD = [
    *("ROUTER", "NOBODY", "VALUE", "KEY", "EXIT", "INTERRUPT", "CHAIN", "GROUP", "MUTE"),
    *("TEXT", "NOWHERE", "ASCII", "AWAY"),
]
"""Cases that end as dead letters before any partner has seen them, the last one because there is none."""

NAKED = ["AE", "AR", "GARBAGE", "CLOSE"]
"""Cases that the partner's answers make dead letters."""


def message(control_id: str, *, size: int = 0) -> bytes:
    return (
        f"MSH|^~\\&|A|B|C|D|20260101||ORU^R01|{control_id}|T|2.5.1\r"
        f"PID|1||{MARK}1^^^X||{MARK}2^{MARK}3\rOBX|1|TX|1||{MARK}4{'x' * size}\r"
    ).encode()


def reply(content: bytes) -> bytes | None:
    """A partner that repeats in its answers what it was told."""
    case = read_header(content).control_id
    if case == "GARBAGE":
        return f"{MARK}5 is not HL7".encode()
    if case == "CLOSE":
        return None
    code = case if case in ("AE", "AR") else "AA"
    named = f"{MARK}6" if case == "MISMATCH" else case
    repeated = f"{MARK}7 {MARK}2"
    return (
        f"MSH|^~\\&|C|D|A|B|20260101||ACK^R01^ACK|9|T|2.5.1\rMSA|{code}|{named}|{repeated}\rERR|||207|E||||{repeated}\r"
    ).encode()


UNREADABLE = [
    f"{MARK} has no header".encode(),
    b"MSH",
    f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|LATIN|T|2.5.1|||||||UNICODE UTF-8\rPID|1||{MARK}".encode() + b"\xff\xfe\r",
    f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|UTF16|T|2.5.1|||||||UNICODE UTF-16\rPID|1||{MARK}\r".encode(),
    f"BHS|^~\\&|{MARK}\rMSH|^~\\&|A|B|C|D|20260101||ADT^A01|COUNT|T|2.5.1\rPID|1||{MARK}\rBTS|{MARK}\r".encode(),
    f"BHS|^~\\&|{MARK}\r{MARK}|1\rMSH|^~\\&|A|B|C|D|20260101||ADT^A01|STRAY|T|2.5.1\rPID|1||{MARK}\r".encode(),
]
OVERSIZE = [message("TOOLONG", size=25_000), message("TOOBIG", size=60_000)]
STRAY = [
    f"{MARK} outside of any frame\r\n".encode() + frame(message("NOISE")),
    START + f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|CUT|T|2.5.1\rPID|1||{MARK}".encode(),
    f"GET /{MARK} HTTP/1.1\r\nHost: {MARK}\r\n\r\n".encode(),
]


@pytest.mark.parametrize(("level", "form"), [("debug", "text"), ("info", "json")])
def test_neither_log_nor_page_shows_a_value(place: Place, level: str, form: str) -> None:
    with in_trouble(place, level, form) as engine:
        shown = pages(engine)
        ask_oddly(engine)
        assert engine.stop() == 0, engine.output
    assert_unmarked({**shown, "the log": engine.output})
    assert MARK.encode() in place.database.read_bytes(), "the store has it"
    assert "at feed.py:" in shown["/dead-letters?limit=100"], "an author still sees where the code broke"


def test_no_command_shows_a_value_unasked(place: Place) -> None:
    with in_trouble(place, "info", "text") as engine:
        message_id = str(engine.page("/messages?limit=100&disposition=ROUTED")["messages"][0]["id"])
        assert_unmarked({" ".join(words): said(place, *words) for words in commands(message_id, place)})


@contextmanager
def in_trouble(place: Place, level: str, form: str) -> Iterator[EngineProcess]:
    """An engine with which everything has gone wrong that can."""
    incoming = place.directory / "incoming"
    incoming.mkdir()
    (nobody,) = free_ports(1)
    with answering(reply) as port:
        settings = f'[logging]\nformat = "{form}"\n'
        place.configure(FEED, settings=settings, partner=port, nobody=nobody, incoming=incoming)
        with EngineProcess(place, "--log-level", level).ready() as engine:
            go_wrong(place, incoming)
            until(lambda: all_has_gone_wrong(engine, incoming), "everything has gone wrong")
            yield engine


def go_wrong(place: Place, incoming: Path) -> None:
    """Send everything that makes trouble."""
    exchange(place.port, [message(case) for case in (*DEAD, *NAKED, "MISMATCH", "SLOW", "FINE")])
    for content in (*UNREADABLE, *OVERSIZE):
        exchange(place.port, [content])
    for data in STRAY:
        with closing(socket.create_connection(("127.0.0.1", place.port), timeout=10)) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
    for number, content in enumerate((*UNREADABLE, *OVERSIZE, message("FILE"))):
        (incoming / f"{number}.hl7").write_bytes(content)


def all_has_gone_wrong(engine: EngineProcess, incoming: Path) -> bool:
    """Whether every dead letter, refusal and stop that is expected has come to pass."""
    states = {each["name"]: each["state"] for each in engine.page("/connections")["connections"]}
    counts = engine.page("/stats")["messages"]
    return (
        engine.page("/dead-letters")["count"] == len(DEAD) + len(NAKED)
        and states["OB_STOPS"] == "failed"
        and counts["REFUSED"] >= len(UNREADABLE) + len(OVERSIZE)
        and not list(incoming.glob("*.hl7"))
    )


def pages(engine: EngineProcess) -> dict[str, str]:
    """Every page that can be read."""
    names = [each["name"] for each in engine.page("/connections")["connections"]]
    ids = [each["id"] for each in engine.page("/messages?limit=100")["messages"]]
    events = [f"/connections/{name}/events" for name in names]
    single = [f"/messages/{message_id}" for message_id in ids]
    lists = ["/messages?limit=100", "/dead-letters?limit=100"]
    return {path: engine.page_text(path) for path in ("/health", "/stats", "/connections", *lists, *events, *single)}


def ask_oddly(engine: EngineProcess) -> None:
    """Questions that hold values themselves, which the log must not repeat."""
    engine.page_text(f"/messages?control_id={MARK}")
    for path in (f"/messages?since={MARK}", f"/messages/{MARK}", f"/{MARK}"):
        with pytest.raises(HTTPError):
            engine.page_text(path)


def commands(message_id: str, place: Place) -> list[list[str]]:
    """Commands that show something, without --show-phi."""
    graph = ["--config", str(place.configuration)]
    return [
        ["status", *graph],
        ["messages", "list"],
        ["messages", "show", message_id, "--trail"],
        ["dead-letters", "list"],
        ["dead-letters", "list", "--json"],
    ]


def said(place: Place, *words: str) -> str:
    run = run_command(place, *words)
    assert run.stdout, run.stderr
    return run.stdout + run.stderr


def assert_unmarked(shown: Mapping[str, str]) -> None:
    found = {where: [line for line in text.splitlines() if MARK in line] for where, text in shown.items()}
    assert not {where: lines for where, lines in found.items() if lines}
