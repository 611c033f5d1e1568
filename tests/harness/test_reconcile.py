from pathlib import Path

from messagefoundry.harness.journal import Journal
from messagefoundry.harness.reconcile import reconcile


def journal_of(*times: tuple[int, int, str]) -> Journal:
    """Return a journal of (sent ms, answered ms, code)."""
    journal = Journal("T")
    for number, (sent, answered, code) in enumerate(times):
        journal.note_sent(sent * 1_000_000)
        journal.note_answer(number, answered * 1_000_000, code)
    journal.sending_ended_ns = 100_000_000
    return journal


def arrivals(*of: tuple[int, int]) -> dict[str, int]:
    """Return arrivals of (number, ms)."""
    return {f"T{number:09d}": at * 1_000_000 for number, at in of}


def test_all_arrived() -> None:
    found = reconcile(journal_of((10, 11, "AA"), (12, 13, "AA")), arrivals((0, 20), (1, 150)))
    assert (found.accepted, found.missing, found.unexpected, found.overtaken) == (2, 0, 0, 0)
    assert found.drain_seconds == 0.05
    assert (found.end_to_end_ms.p50, found.end_to_end_ms.max) == (138.0, 138.0)


def test_only_accepted_messages_can_be_missing() -> None:
    found = reconcile(journal_of((10, 11, "AA"), (12, 13, "AE"), (14, 0, "none")), {})
    assert (found.accepted, found.missing) == (1, 1)
    assert found.end_to_end_ms.p99 is None


def test_a_foreign_message_is_unexpected() -> None:
    assert reconcile(journal_of((10, 11, "AA")), {"T000000000": 1, "X1": 2}).unexpected == 1


def test_overtaking_is_judged_by_cause_and_effect() -> None:
    journal = journal_of((10, 20, "AA"), (11, 21, "AA"), (30, 40, "AA"))
    assert reconcile(journal, arrivals((1, 50), (0, 51), (2, 52))).overtaken == 0, "0 and 1 were in flight together"
    assert reconcile(journal, arrivals((1, 50), (2, 51), (0, 52))).overtaken == 1, "0 was accepted before 2 was sent"


def test_a_journal_survives_its_file(tmp_path: Path) -> None:
    journal = journal_of((10, 11, "AA"), (12, 0, "none"))
    journal.save(tmp_path / "journal")
    again = Journal.load(tmp_path / "journal")
    assert list(again) == list(journal)
    assert again.sending_ended_ns == journal.sending_ended_ns
