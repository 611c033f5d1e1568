"""What holds for every message, every path and every text."""

import itertools
from collections.abc import Callable, Iterator

from hypothesis import assume, example, given
from hypothesis import strategies as st

from messagefoundry.message import (
    Delimiters,
    EditError,
    EncodeError,
    Message,
    MessageError,
    PathError,
    RawMessage,
    diff,
    is_batch,
    parse_path,
    peek,
)
from messagefoundry.message.escapes import escapes_of
from tests.fuzz.counting import calls
from tests.strategies.hl7 import (
    CHARACTER_SETS,
    ESCAPES,
    PIECES,
    anything,
    declared_messages,
    delimiters,
    messages,
    notations,
    texts,
)


def places(message: Message) -> Iterator[tuple[str, int, int | None]]:
    """Paths, occurrences and repetitions, there and not there."""
    for name in dict.fromkeys(["MSH", "PID", "OBX", "NTE", "ZZ1", "NK1"]):
        for occurrence, field in itertools.product(range(1, message.count_segments(name) + 2), range(1, 7)):
            for part, repetition in itertools.product(("", ".1", ".2", ".1.1", ".1.2", ".2.1"), (None, 1, 2)):
                yield f"{name}-{field}{part}", occurrence, repetition


@given(raw=messages)
@example(raw=b"MSH|^~\\&|\\E\\T\\E\\\rPID|\\X41\\|a\\T\\b^c~\\R\\\r")
def test_reading_and_writing_a_value_changes_no_byte(raw: bytes) -> None:
    message = Message.parse(raw)
    for path, occurrence, repetition in places(message):
        value = message.field(path, occurrence=occurrence, repetition=repetition)
        message.set(path, value, occurrence=occurrence, repetition=repetition)
        assert not message.edited, (path, occurrence, repetition)
    assert message.encode_bytes() == raw


@given(raw=messages)
def test_an_edit_normalises_line_ends_and_leaves_every_other_byte(raw: bytes) -> None:
    message = Message.parse(raw)
    expected = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n").replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    assert message.encode().encode() == expected
    message.add_segment("ZZZ|1")
    message.delete_segments("ZZZ")
    assert message.edited
    assert message.encode_bytes() == expected


@given(raw=messages, text=texts, place=st.sampled_from(["-1", "-3", "-3.1", "-2.2", "-1.1.2"]))
@example(raw=b"MSH|^~\\&|\rPID|1\r", text="\rMSH|^~\\&|", place="-3")
@example(raw=b"MSH|^~\\&|\rPID|1\r", text="\n\x1c\r", place="-3.1")
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


@given(
    characters=delimiters,
    text=texts,
    path=st.sampled_from(["ZZZ-2", "ZZZ-2.2", "ZZZ-2.2.2"]),
    repetition=st.sampled_from([None, 1, 2]),
)
@example(characters="|^~\\&", text="\\T\\^", path="ZZZ-2", repetition=None)
@example(characters="*.{\\}", text="\\.sp 3\\", path="ZZZ-2.2", repetition=None)
@example(characters="*{}\\-", text="\\.sp -3\\", path="ZZZ-2.2.2", repetition=1)
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


@given(raw=messages, texts=st.lists(texts, min_size=1, max_size=3))
def test_repetitions_added_are_the_repetitions_read(raw: bytes, texts: list[str]) -> None:
    message = Message.parse(raw)
    message.add_segment("ZZZ|")
    assume(message.delimiters.repetition and message.delimiters.escape)
    for text in texts:
        message.add_repetition("ZZZ-2", text)
    assert message.repetitions("ZZZ-2") == [text for text in texts if text], "an empty one adds nothing"


@given(raw=messages, boundary=st.sampled_from(["PID", "OBR", "OBX", "MSH"]))
def test_a_group_reads_what_its_segments_read(raw: bytes, boundary: str) -> None:
    message = Message.parse(raw)
    seen = dict.fromkeys(["PID", "OBX", "NTE", "OBR", "ZZ1"], 0)
    groups = message.groups(boundary)
    first = message.segments().index(boundary) if groups and boundary in message.segments() else 0
    for name in message.segments()[:first]:
        seen[name] = seen.get(name, 0) + 1
    for group in groups:
        for name in ("PID", "OBX", "NTE", "OBR"):
            for place in range(1, group.count_segments(name) + 1):
                seen[name] += 1
                assert group.field(f"{name}-1", occurrence=place) == message.field(f"{name}-1", occurrence=seen[name])


@given(characters=delimiters, text=texts)
def test_decoding_undoes_encoding(characters: str, text: str) -> None:
    escapes = escapes_of(Delimiters.of(characters), "utf-8")
    assert escapes.decode(escapes.encode(text)) == text


@given(raw=messages, characters=delimiters)
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


@given(raw=messages, notation=notations)
def test_copying_a_field_copies_its_notation(raw: bytes, notation: str) -> None:
    message = Message.parse(raw)
    message.add_segment(f"ZZZ|{notation}||")
    message["ZZZ-3"] = message["ZZZ-1"]
    line = next(line for line in message.encode().split("\r") if line.startswith("ZZZ"))
    assert line == f"ZZZ|{notation}||{notation}"


@given(raw=messages, first=texts, second=texts)
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


@given(raw=declared_messages())
def test_a_message_is_read_in_the_character_set_that_it_declares(raw: bytes) -> None:
    message = Message.parse(raw, encoding="utf-8")
    codec, _ = CHARACTER_SETS[message["MSH-18"] or ""]
    assert message.charset == codec
    assert message.encode().encode(codec) == raw
    message["PID-9"] = "9"
    assert message.encode_bytes().startswith(raw.rstrip(b"\r"))


@given(raw=declared_messages(), encoding=st.sampled_from([codec for codec, _ in CHARACTER_SETS.values()]))
def test_a_message_in_another_character_set_has_the_same_text(raw: bytes, encoding: str) -> None:
    message = Message.parse(raw)
    message["ZZZ-1"] = None
    message["PID-9"] = "9"
    try:
        written = message.encode_bytes(encoding)
    except EncodeError:
        return
    again = Message.parse(written, encoding=encoding)
    assert again.charset == encoding
    assert [again[f"PID-{number}"] for number in range(1, 6)] == [message[f"PID-{number}"] for number in range(1, 6)]


@given(text=st.text(max_size=20) | st.from_regex(r"[A-Za-z0-9]{3}[-. ][0-9]{1,5}(\.[0-9]{1,5}){0,3}", fullmatch=True))
def test_a_path_is_read_as_it_stands_or_refused(text: str) -> None:
    try:
        path = parse_path(text)
    except PathError:
        return
    assert str(path) == text


def context_of(read: Callable[[], object]) -> BaseException | None:
    """What a typed error keeps of the error that it came from."""
    try:
        read()
    except MessageError as problem:
        return problem.__context__
    return None


@given(raw=anything)
def test_bytes_of_any_kind_raise_nothing_but_the_typed_errors(raw: bytes) -> None:
    is_batch(raw)
    body = RawMessage(raw)
    for read in (body.text, body.json, body.xml, lambda: peek(raw), lambda: Message.parse(raw)):
        assert context_of(read) is None


@given(raw=anything)
@example(raw=b"MSH:!\r:")
def test_every_readable_message_can_be_listed_compared_and_written(raw: bytes) -> None:
    try:
        message = Message.parse(raw)
    except MessageError:
        return
    assert message.encode_bytes() == raw
    ids = message.segments()
    assert diff(message, message.copy()) == []
    assert message.segments() == ids
    assert len(message.groups("MSH")) == message.count_segments("MSH") >= 1


@given(pieces=st.lists(st.sampled_from(PIECES + ESCAPES), min_size=1, max_size=6))
def test_the_work_grows_with_the_size_and_not_with_its_square(pieces: list[str]) -> None:
    """Calls are counted, not seconds: of what is written in C, how often it is asked."""
    content = "".join(pieces).replace("\r", "").replace("\n", "").replace("|", "")

    def work(times: int) -> Callable[[], object]:
        raw = f"MSH|^~\\&|A\rOBX|1|ED|X||{content * times}|F\r".encode("utf-8", "replace")

        def edit() -> object:
            message = Message.parse(raw)
            message["OBX-6"] = message["OBX-5"]
            message["OBX-5.1"] = f"{message['OBX-5']}|"
            return message.encode_bytes()

        return edit

    few, many = calls(work(20)), calls(work(200))
    assert many <= 10 * few + 50
