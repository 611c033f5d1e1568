from __future__ import annotations

import pytest

from messagefoundry.comparing import Excerpt, Kind, Run, Sent, Tally, compare_runs, excerpts

HL7 = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\rPID|1||{}\r"


def sent(to: str, value: str = "7", handler: str = "h") -> Sent:
    return Sent(to, handler, HL7.format(value).encode())


def kinds(before: list[Sent], after: list[Sent]) -> list[tuple[str, str]]:
    found = compare_runs(Run("PROCESSED", tuple(before)), Run("PROCESSED", tuple(after)))
    return [(kind.to, str(kind)) for kind in found.kinds()]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([sent("A")], [sent("A")], []),
        ([sent("A")], [sent("A", "8")], [("A", "PID-3 changed")]),
        ([sent("A"), sent("B")], [sent("B"), sent("A")], []),
        ([sent("A")], [sent("B")], [("A", "no longer sent"), ("B", "now sent")]),
        ([sent("A", "7"), sent("A", "8")], [sent("A", "7")], [("A", "no longer sent")]),
        ([sent("A", "7"), sent("A", "8")], [sent("A", "8"), sent("A", "7")], [("A", "PID-3 changed")]),
        ([sent("A", "7", "h"), sent("A", "8", "i")], [sent("A", "8", "i"), sent("A", "7", "h")], []),
        ([sent("A", "7", "old")], [sent("A", "7", "new")], []),
        ([sent("A", "7", "old"), sent("A", "8", "h")], [sent("A", "8", "h"), sent("A", "7", "new")], []),
    ],
)
def test_outputs_find_their_counterparts(
    before: list[Sent], after: list[Sent], expected: list[tuple[str, str]]
) -> None:
    assert kinds(before, after) == expected


def test_an_error_that_only_moved_in_its_file_is_the_same() -> None:
    old = Run("ERROR", errors=("ValueError at feed.py:12 in handler h",))
    assert not compare_runs(old, Run("ERROR", errors=("ValueError at feed.py:99 in handler h",)))
    other = compare_runs(old, Run("ERROR", errors=("KeyError at feed.py:12 in handler h",)))
    assert list(other.kinds()) == [Kind("", "", "KeyError at feed.py:12 in handler h")]
    assert not compare_runs(
        Run("ERROR", errors=("refused on receipt",)), Run("ERROR", errors=("refused on receipt: it is too long",))
    )


def test_a_tally_counts_messages_and_times_and_what_happened_by_chance() -> None:
    tally = Tally()
    twice = compare_runs(Run("PROCESSED", (sent("A"), sent("A"))), Run("PROCESSED", (sent("A", "8"), sent("A", "8"))))
    gone = compare_runs(Run("PROCESSED", (sent("A"),)), Run("ERROR"))
    assert tally.add("one", twice, by_chance=[Kind("A", "PID-3", "changed")])
    assert not tally.add("two", twice)
    assert tally.add("three", gone)
    (error, changed, not_sent) = tally.sorted_groups()
    assert (str(error.kind), error.messages) == ("PROCESSED -> ERROR", 1)
    assert (changed.messages, changed.times, changed.by_chance, changed.examples) == (2, 4, 1, ["one", "two"])
    assert str(not_sent.kind) == "no longer sent"
    assert (tally.changed, tally.now_failing, tally.nothing_sent, tally.alone) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("abc", "axc", (Excerpt("a", "b", "c"), Excerpt("a", "x", "c"))),
        ("aa", "aaa", (Excerpt("aa", "", ""), Excerpt("aa", "a", ""))),
        ("", "x", (Excerpt(), Excerpt("", "x", ""))),
    ],
)
def test_an_excerpt_marks_what_differs(before: str, after: str, expected: tuple[Excerpt, Excerpt]) -> None:
    assert excerpts(before, after) == expected


def test_an_excerpt_of_a_long_text_is_short() -> None:
    old, new = excerpts("x" * 1000 + "A" + "y" * 1000, "x" * 1000 + "B" * 500 + "y" * 1000)
    assert str(old) == f"[… 970 …]{'x' * 30}A{'y' * 30}[… 970 …]"
    assert str(new) == f"[… 970 …]{'x' * 30}{'B' * 120}[… 380 …]{'y' * 30}[… 970 …]"
    assert "AAA" not in repr(old)
