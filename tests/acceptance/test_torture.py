"""The torture itself: each promise that is broken is told, and a round that breaks one can be repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.acceptance import torture
from tests.acceptance.torture_books import Attempt, Books, StoredMessage, StoredWork
from tests.acceptance.torture_partner import Arrival
from tests.acceptance.torture_situations import SITUATIONS
from tests.acceptance.torture_stores import SqliteStores
from tests.acceptance.torture_verdict import Evidence, figures, verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDS = ("A", "B", "C")
FIRST, SECOND = 1000, 2000
"""When the two lives began, of which the first was killed."""


def kept() -> Evidence:
    """Three messages in the first life, all delivered in it; the kill made the third one come again in the second."""
    at = {"A": FIRST + 1, "B": FIRST + 2, "C": SECOND + 3}
    return Evidence(
        books=Books(
            messages=tuple(StoredMessage(number, name, "PROCESSED") for number, name in enumerate(IDS, 1)),
            works=tuple(StoredWork(number, name, "OB", "delivered") for number, name in enumerate(IDS, 11)),
            attempts=tuple(Attempt(at[name], name, "OB") for name in IDS),
        ),
        sent=frozenset({*IDS, "D"}),
        accepted=frozenset(IDS),
        arrivals={"OB": (arrival("A", 1), arrival("B", 2), arrival("C", 3), arrival("C", SECOND - FIRST + 3))},
        lives=(FIRST, SECOND),
    )


def arrival(control_id: str, after: int, code: str = "AA") -> Arrival:
    return Arrival(FIRST + after, control_id, code)


def with_books(evidence: Evidence, **changes: object) -> Evidence:
    return replace(evidence, books=replace(evidence.books, **changes))  # type: ignore[arg-type]


def with_works(evidence: Evidence, *works: StoredWork) -> Evidence:
    return with_books(evidence, works=works)


def lost(evidence: Evidence) -> Evidence:
    return with_books(evidence, messages=evidence.books.messages[:2], works=evidence.books.works[:2])


def invented(evidence: Evidence) -> Evidence:
    return replace(evidence, sent=frozenset("AB"), accepted=frozenset("AB"))


def stored_twice(evidence: Evidence) -> Evidence:
    return with_books(evidence, messages=(*evidence.books.messages, StoredMessage(9, "A", "PROCESSED")))


def not_ended(evidence: Evidence) -> Evidence:
    return with_books(evidence, messages=(*evidence.books.messages[:2], StoredMessage(3, "C", "ROUTED")))


def still_waiting(evidence: Evidence) -> Evidence:
    return with_works(evidence, *evidence.books.works, StoredWork(19, "A", "OB", "waiting"))


def dead_for_no_reason(evidence: Evidence) -> Evidence:
    books = evidence.books
    died = with_works(evidence, *books.works[:2], StoredWork(13, "C", "OB", "dead"))
    return with_books(died, messages=(*books.messages[:2], StoredMessage(3, "C", "ERROR")))


def dead_and_called_processed(evidence: Evidence) -> Evidence:
    return with_works(evidence, *evidence.books.works[:2], StoredWork(13, "C", "OB", "dead"))


def nowhere(evidence: Evidence) -> Evidence:
    return with_works(evidence, *evidence.books.works[:2])


def never_arrived(evidence: Evidence) -> Evidence:
    return replace(evidence, arrivals={"OB": evidence.arrivals["OB"][:2]})


def swapped(evidence: Evidence) -> Evidence:
    first, second, *others = evidence.arrivals["OB"]
    return replace(evidence, arrivals={"OB": (second, first, *others)})


def repeated_too_often(evidence: Evidence) -> Evidence:
    return replace(evidence, unsettled=0)


def repeated_without_a_kill(evidence: Evidence) -> Evidence:
    return replace(evidence, arrivals={"OB": (*evidence.arrivals["OB"], arrival("A", SECOND - FIRST + 5))})


def left_in_the_inbox(evidence: Evidence) -> Evidence:
    return replace(evidence, left=["F1.hl7"])


def file_brought_in_twice(evidence: Evidence) -> Evidence:
    of_a_file = replace(evidence, sent=frozenset("BC"), accepted=frozenset("BC"), dropped=frozenset("A"))
    return stored_twice(of_a_file)


def file_not_written(evidence: Evidence) -> Evidence:
    works = (StoredWork(number, name, "FILE", "delivered") for number, name in enumerate(IDS, 21))
    return replace(with_works(evidence, *evidence.books.works, *works), written={"FILE": {"A": FIRST, "B": FIRST + 1}})


def damaged(evidence: Evidence) -> Evidence:
    return with_books(evidence, damage=("a page is missing",))


def unclean(evidence: Evidence) -> Evidence:
    return with_books(evidence, closed=False)


def complained(evidence: Evidence) -> Evidence:
    return replace(evidence, complaints=["connections stop OB: exit 1"])


BROKEN: dict[Callable[[Evidence], Evidence], str] = {
    lost: "acknowledged, and not in the store: C",
    invented: "in the store, and never sent: C",
    stored_twice: "received once and stored more than once: A",
    not_ended: "not at its end: C",
    still_waiting: "still waiting: A",
    dead_for_no_reason: "dead in OB, which did not refuse them: C",
    dead_and_called_processed: "dead, and not called ERROR: C",
    nowhere: "neither delivered to OB nor dead: C",
    never_arrived: "delivered to OB by the store's account alone: C",
    swapped: "OB saw 1 of 3 messages before one that is ahead of it",
    repeated_too_often: "1 arrivals at OB are on no trail after kill 1, where 0 may be",
    repeated_without_a_kill: "1 arrivals at OB are on no trail after an orderly stop, where 0 may be",
    file_brought_in_twice: "1 files were brought in once more, by 1 kills",
    left_in_the_inbox: "still in the inbox, or set aside: F1.hl7",
    file_not_written: "delivered to FILE by the store's account alone: C",
    damaged: "damaged: a page is missing",
    unclean: "the last engine has not noted that it stopped in order",
    complained: "connections stop OB: exit 1",
}


def test_promises_kept() -> None:
    assert verdict(kept()) == []
    found = figures(kept())
    assert (found.kills, found.accepted, found.delivered, found.duplicates, found.worst) == (1, 3, 3, 1, 1)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_each_broken_promise_is_told(broken: Callable[[Evidence], Evidence]) -> None:
    assert BROKEN[broken] in verdict(broken(kept()))


def test_a_round_that_breaks_a_promise_is_kept_and_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(going: torture.Round, directory: Path, picture: torture.Picture) -> list[str]:
        (directory / "engine.db").touch()
        return ["acknowledged, and not in the store: A"]

    assert torture.main(["--seed", "7", "--situation", "files", "--directory", str(tmp_path)], broken) == 1
    said = capsys.readouterr().out
    (directory,) = tmp_path.iterdir()
    assert (directory / "engine.db").exists()
    assert "acknowledged, and not in the store: A" in said
    assert str(directory) in said
    assert 'make torture MINUTES=0 SEED=7 ARGS="--situation files"' in said


class Elsewhere(SqliteStores):
    name = "elsewhere"


def test_a_round_is_repeated_over_its_own_kind_of_store() -> None:
    again = torture.Round(SITUATIONS[0], 7, 3, Elsewhere()).again
    assert again == 'make torture MINUTES=0 SEED=7 STORE=elsewhere ARGS="--situation plain --kills 3"'


def test_rounds_go_through_every_situation_with_fresh_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone: list[torture.Round] = []

    def kept_until_the_last(going: torture.Round, directory: Path, picture: torture.Picture) -> list[str]:
        gone.append(going)
        return ["enough"] if len(gone) > len(SITUATIONS) else []

    assert torture.main(["--seed", "7", "--directory", str(tmp_path)], kept_until_the_last) == 1
    assert [going.situation for going in gone] == [*SITUATIONS, SITUATIONS[0]]
    assert [going.seed for going in gone] == list(range(7, 7 + len(gone)))
    assert {going.kills for going in gone} == {torture.KILLS}
    assert len(list(tmp_path.iterdir())) == 1, "only the round that broke a promise leaves something"


def test_time_that_is_over_ends_the_torture_after_one_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--minutes", "0", "--kills", "1", "--situation", "fan-out", "--directory", str(tmp_path)]
    assert torture.main(options) == 0
    said = capsys.readouterr().out
    assert "fan-out" in said
    assert "1 rounds, nothing lost" in said
    assert not list(tmp_path.iterdir())
