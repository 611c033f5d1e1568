"""What holds for every message, every path and every text."""

import itertools
from collections.abc import Callable, Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st

from messagefoundry.message import (
    ACCEPTED,
    AcknowledgmentMode,
    Delimiters,
    EditError,
    Judgment,
    Message,
    MessageError,
    RawMessage,
    acknowledge,
    diff,
    is_batch,
    judge,
    peek,
)
from messagefoundry.message.escapes import escapes_of

quick = settings(max_examples=150, deadline=None)

# Characters that mean something, sequences that nearly do, and a few that do not.
PIECES = [*"|^~\\&#:*%!$\r\n\t\x0b\x1c\0é山\x85\u2028 aB", '""', "MSH|", "\rMSH|^~\\&|"]
CODES = ["F", "S", "T", "R", "E", "H", "X41", "X0D", "XFF", "Xe9", ".br", ".sp+3", "Zq", "C2842", "P", "unknown"]
ESCAPES = ["\\\\", "\\.sp 3\\", *(f"\\{code}\\" for code in CODES)]
texts = st.lists(st.sampled_from(PIECES + ESCAPES), max_size=8).map("".join) | st.text(max_size=20)
notations = st.lists(st.sampled_from([*"^~&\\ab é", "\t", "\x0b", '""', *ESCAPES]), max_size=8).map("".join)
lines = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(["PID", "OBX", "NTE", "ZZ1", "bad", "", "X", "OB"]),
    st.lists(notations, max_size=5),
)


@st.composite
def raw_messages(draw: st.DrawFn) -> bytes:
    """Messages with odd line ends, delimiters, segments and escapes."""
    msh2 = draw(st.sampled_from(["^~\\&", "^~\\&#", "^~\\", "^~", "^", "^~\\\\&"]))
    header = "|".join(["MSH", msh2, *draw(st.lists(notations, max_size=12))])
    end = draw(st.sampled_from(["\r", "\n", "\r\n"]))
    text = end.join([header, *draw(st.lists(lines, max_size=6))])
    return (draw(st.sampled_from(["", "\ufeff", "\n"])) + text + end * draw(st.integers(0, 2))).encode()


messages = raw_messages()
starts = st.sampled_from([b"MSH|^~\\&|", b"MSH", b"MSH|", b"\xef\xbb\xbfMSH|^"])
anything = st.binary(max_size=60) | messages | st.builds(bytes.__add__, starts, st.binary(max_size=60))
punctuation = st.sampled_from("!#$%&()*+,-./:;<=>?@[]^_`{|}~\\")
delimiters = st.lists(punctuation, min_size=5, max_size=6, unique=True).map("".join)


def places(message: Message) -> Iterator[tuple[str, int, int | None]]:
    """Paths, occurrences and repetitions, there and not there."""
    for name in dict.fromkeys(["MSH", "PID", "OBX", "NTE", "ZZ1", "NK1"]):
        for occurrence, field in itertools.product(range(1, message.count_segments(name) + 2), range(1, 7)):
            for part, repetition in itertools.product(("", ".1", ".2", ".1.1", ".1.2", ".2.1"), (None, 1, 2)):
                yield f"{name}-{field}{part}", occurrence, repetition


@quick
@given(messages)
@example(b"MSH|^~\\&|\\E\\T\\E\\\rPID|\\X41\\|a\\T\\b^c~\\R\\\r")
def test_reading_and_writing_a_value_changes_no_byte(raw: bytes) -> None:
    message = Message.parse(raw)
    for path, occurrence, repetition in places(message):
        value = message.field(path, occurrence=occurrence, repetition=repetition)
        message.set(path, value, occurrence=occurrence, repetition=repetition)
        assert not message.edited, (path, occurrence, repetition)
    assert message.encode_bytes() == raw


@quick
@given(messages)
def test_an_edit_normalises_line_ends_and_leaves_every_other_byte(raw: bytes) -> None:
    message = Message.parse(raw)
    expected = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n").replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    assert message.encode().encode() == expected
    message.add_segment("ZZZ|1")
    message.delete_segments("ZZZ")
    assert message.edited
    assert message.encode_bytes() == expected


@quick
@given(messages, texts, st.sampled_from(["-1", "-3", "-3.1", "-2.2", "-1.1.2"]))
@example(b"MSH|^~\\&|\rPID|1\r", "\rMSH|^~\\&|", "-3")
@example(b"MSH|^~\\&|\rPID|1\r", "\n\x1c\r", "-3.1")
def test_no_value_creates_a_segment_or_a_field(raw: bytes, text: str, place: str) -> None:
    message = Message.parse(raw)
    before = message.encode().split("\r")
    for name in ("PID", "OBX"):
        if not message.count_segments(name):
            continue
        try:
            message[name + place] = text
        except EditError:
            continue
    after = message.encode().split("\r")
    assert [line[:3] for line in after] == [line[:3] for line in before]
    assert [max(line.count("|"), 3) for line in after] == [max(line.count("|"), 3) for line in before]
    assert "\n" not in message.encode()


@quick
@given(delimiters, texts, st.sampled_from(["ZZZ-2", "ZZZ-2.2", "ZZZ-2.2.2"]), st.sampled_from([None, 1, 2]))
@example("|^~\\&", "\\T\\^", "ZZZ-2", None)
@example("*.{\\}", "\\.sp 3\\", "ZZZ-2.2", None)
@example("*{}\\-", "\\.sp -3\\", "ZZZ-2.2.2", 1)
def test_text_written_is_the_text_read(characters: str, text: str, path: str, repetition: int | None) -> None:
    message = Message.parse(f"MSH{characters}{characters[0]}A\rZZZ{characters[0]}1\r")
    message.set(path, text, repetition=repetition)
    assert message.field(path, repetition=repetition) == (text or None)
    again = Message.parse(message.encode_bytes())
    assert again.field(path, repetition=repetition) == (text or None)
    assert again.count_segments("ZZZ") == 1
    assert len(again.segments()) == 2
    assert again["ZZZ-1"] == "1"
    assert again["ZZZ-3"] is None


@quick
@given(delimiters, texts)
def test_decoding_undoes_encoding(characters: str, text: str) -> None:
    escapes = escapes_of(Delimiters.of(characters), "utf-8")
    assert escapes.decode(escapes.encode(text)) == text


@settings(max_examples=60, deadline=None)
@given(messages, delimiters)
def test_other_delimiters_change_no_text_and_no_structure(raw: bytes, characters: str) -> None:
    message = Message.parse(raw)
    other = message.copy()
    other.redelimit(characters)
    for path, occurrence, repetition in places(message):
        here = message.field(path, occurrence=occurrence, repetition=repetition)
        if path.startswith(("MSH-1", "MSH-2")) or "." not in path or set(here or "") & {"\\", "&"}:
            continue
        assert other.field(path, occurrence=occurrence, repetition=repetition) == here
    assert other.encode().startswith(f"MSH{characters}")


@quick
@given(messages, notations)
def test_copying_a_field_copies_its_notation(raw: bytes, notation: str) -> None:
    message = Message.parse(raw)
    message.add_segment(f"ZZZ|{notation}||")
    message["ZZZ-3"] = message["ZZZ-1"]
    line = next(line for line in message.encode().split("\r") if line.startswith("ZZZ"))
    assert line == f"ZZZ|{notation}||{notation}"


@quick
@given(messages, texts, texts)
def test_copies_share_nothing_that_changes(raw: bytes, first: str, second: str) -> None:
    message = Message.parse(raw)
    message.add_segment("ZZZ|")
    snapshots = [message.copy()]
    expected = [message.encode()]
    for value in (first, second):
        try:
            message["ZZZ-1"] = value
            message["MSH-5"] = value
        except EditError:
            pass
        snapshots.append(message.copy())
        expected.append(message.encode())
        snapshots[0].add_segment("NTE|1")
        expected[0] = snapshots[0].encode()
    assert [snapshot.encode() for snapshot in snapshots] == expected


def context_of(read: Callable[[], object]) -> BaseException | None:
    """What a typed error keeps of the error that it came from."""
    try:
        read()
    except MessageError as problem:
        return problem.__context__
    return None


@settings(max_examples=400, deadline=None)
@given(anything)
def test_bytes_of_any_kind_raise_nothing_but_the_typed_errors(raw: bytes) -> None:
    is_batch(raw)
    assert judge(raw, b"1") in Judgment
    body = RawMessage(raw)
    for read in (body.text, body.json, body.xml, lambda: peek(raw), lambda: Message.parse(raw)):
        assert context_of(read) is None


@settings(max_examples=400, deadline=None)
@given(anything)
@example(b"MSH:!\r:")
def test_every_readable_message_can_be_answered_listed_and_compared(raw: bytes) -> None:
    try:
        message = Message.parse(raw)
    except MessageError:
        return
    header = peek(raw)
    reply = acknowledge(header, AcknowledgmentMode.ORIGINAL, ACCEPTED, control_id=b"N", timestamp=b"1")
    assert reply is None or judge(reply, header.control_id) is Judgment.DELIVERED
    assert message.encode_bytes() == raw
    ids = message.segments()
    assert diff(message, message.copy()) == []
    assert message.segments() == ids
    assert len(message.groups("MSH")) == message.count_segments("MSH") >= 1
