"""The names of outgoing files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry_file.naming import LONGEST, safe_name, with_ids
from messagefoundry_file.template import Ids, Template, TemplateError

IDS = Ids(message_id=17, work_id=18)
NASTY = st.one_of(
    st.binary(max_size=400),
    st.sampled_from([b"..", b".", b"../../etc/passwd", b"CON", b"nul.hl7", b"a/b", b"a\\b", b"-rf", b" ", b"a\x00b"]),
)


def name_of(template: str, **fields: bytes) -> str:
    """The name for fields such as MSH_10 and MSH_9_1."""

    def read(number: int, component: int) -> bytes:
        return fields.get(f"MSH_{number}_{component}" if component else f"MSH_{number}", b"")

    return Template.parse(template).name(read, IDS)


@pytest.mark.parametrize(
    ("template", "fields", "name"),
    [
        ("{MSH-10}.hl7", {"MSH_10": b"A1"}, "A1.hl7"),
        (
            "{MSH-4}-{MSH-9.1}_{MSH-9.2}.hl7",
            {"MSH_4": b"ACME", "MSH_9_1": b"ADT", "MSH_9_2": b"A01"},
            "ACME-ADT_A01.hl7",
        ),
        ("{message_id}-{work_id}.txt", {}, "17-18.txt"),
        ("{MSH-10}.hl7", {}, "17.hl7"),
        ("{MSH-10}.hl7", {"MSH_10": b"  "}, "17.hl7"),
        ("{MSH-10.1}.hl7", {}, "17.hl7"),
        ("adt-{MSH-10}.hl7", {}, "adt-17.hl7"),
        ("adt-{MSH-4}.hl7", {}, "adt-.hl7"),
        ("{MSH-4}.hl7", {}, "17.hl7"),
        ("{MSH-4}", {}, "17"),
        ("adt {MSH-10}.hl7", {"MSH_10": b"A 1"}, "adt A 1.hl7"),
        ("Köln {MSH-10}.hl7", {"MSH_10": b"A1"}, "Köln A1.hl7"),
        ("latest.hl7", {}, "latest.hl7"),
        ("{MSH-4}.hl7", {"MSH_4": b".hidden"}, "17.hidden.hl7"),
    ],
)
def test_a_template_is_filled(template: str, fields: dict[str, bytes], name: str) -> None:
    assert name_of(template, **fields) == name


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        (b"../../etc/passwd", "17.._.._etc_passwd~"),
        (b"a/b\\c", "a_b_c~"),
        (b"CON", "_CON~"),
        (b"com1.x", "_com1.x~"),
        (b"-rf", "_rf~"),
        (b"a\x00\x1b[31mb", "a___31mb~"),
        (b"K\xc3\xb6ln", "K__ln~"),
        (b"ADT^A01", "ADT_A01~"),
    ],
)
def test_what_a_message_brings_is_made_harmless(value: bytes, beginning: str) -> None:
    assert re.fullmatch(re.escape(beginning) + "[0-9a-f]{8}[.]hl7", name_of("{MSH-10}.hl7", MSH_10=value))


@given(values=st.fixed_dictionaries({f"MSH_{number}": NASTY for number in range(3, 13)}), data=st.data())
def test_no_message_leaves_the_folder_or_hides(values: dict[str, bytes], data: st.DataObject) -> None:
    tokens = st.sampled_from([f"{{MSH-{number}}}" for number in range(3, 13)] + ["-", "_", " ", ".", ".hl7", "x"])
    parts = data.draw(st.lists(tokens, min_size=1, max_size=9).filter(lambda parts: not parts[0].startswith(".")))
    template = "".join(parts)
    if not template.strip():
        return
    name = name_of(template, **values)
    assert os.path.normpath(Path("/folder") / name) == f"/folder/{name}"
    assert Path("/folder", name).parent == Path("/folder")
    assert not name.startswith((".", "-", " "))
    assert not name.endswith((".", " "))
    assert name.isprintable()
    assert not set(name) & set('/\\<>:"|?*')
    assert 0 < len(name.encode()) <= LONGEST
    assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name)


@given(one=NASTY, other=NASTY)
def test_cleaning_never_brings_two_control_ids_together(one: bytes, other: bytes) -> None:
    names = [name_of("{MSH-10}.hl7", MSH_10=value) for value in (one, other)]
    assert (names[0] == names[1]) == ((one.strip() or b"17") == (other.strip() or b"17"))


def test_long_names_differ_and_keep_their_extension() -> None:
    one, other = (name_of("{MSH-10}.hl7", MSH_10=b"A" * 300 + end) for end in (b"1", b"2"))
    assert one != other
    assert one.endswith(".hl7")
    assert len(with_ids(one, 10**16, 10**16 + 1).encode()) < 220


def test_a_name_is_cut_between_characters() -> None:
    assert len(safe_name("ö" * 200, "ö" * 200).encode()) <= LONGEST


def test_ids_go_before_the_extension() -> None:
    assert with_ids("A1.hl7", 17) == "A1-17.hl7"
    assert with_ids("A1", 17, 18) == "A1-17-18"
    assert with_ids("A1.not-an-extension-of-anything", 17) == "A1.not-an-extension-of-anything-17"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{PID-5}.hl7", "{PID-5} is not a token"),
        ("{MSH-2}.hl7", "only MSH-3 to MSH-12"),
        ("{MSH-13}.hl7", "only MSH-3 to MSH-12"),
        ("{MSH-10.0}.hl7", "is not a token"),
        ("{}.hl7", "is not a token"),
        ("{MSH-10.hl7", "'{' cannot stand"),
        ("a/{MSH-10}.hl7", "'/' cannot stand"),
        ("a\\{MSH-10}.hl7", "cannot stand"),
        ("a:{MSH-10}", "':' cannot stand"),
        (".{MSH-10}.hl7", "begins with a dot"),
        ("", "has 1 to"),
        ("x" * 81, "has 1 to"),
        ("a\x00", "cannot stand"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(template: str, text: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(text)):
        Template.parse(template)
