from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.harness.correlator import Correlated, Correlator
from messagefoundry.harness.journal import Journal
from messagefoundry.harness.mllp import Header
from messagefoundry.harness.profiles import Phase
from messagefoundry.harness.reconcile import reconcile
from messagefoundry.harness.schedule import Timeline

PHASES = [Phase(name="one", seconds=1), Phase(name="two", seconds=1)]
MS = 1_000_000


def correlator(sinks: int = 1, capacity: int = 100) -> Correlator:
    return Correlator("L0123456789", sinks, capacity, Timeline(PHASES), len(PHASES))


def passed(found: Correlator, number: int, sink: int = 0, at: int = 5 * MS) -> bool:
    return found.arrived(sink, found.control_id(number), at)


def test_what_is_sent_answered_and_received_is_delivered() -> None:
    found = correlator()
    found.note_sent(2 * MS, 1 * MS)
    assert (found.on_their_way, found.done) == (0, 0)
    found.note_answer(0, 4 * MS, "AA")
    assert found.on_their_way == 1
    assert passed(found, 0)
    assert (found.accepted, found.delivered, found.on_their_way, found.done) == (1, 1, 0, 1)
    first = found.phases[0]
    assert (first.sent, first.accepted, first.errors, first.delivered) == (1, 1, 0, 1)
    assert (first.ack.latency().max, first.end_to_end.latency().max) == (3.0, 4.0), "from when it was due"


def test_times_belong_to_the_phase_in_which_it_was_due_and_counts_to_the_one_in_which_it_happened() -> None:
    found = correlator()
    found.note_sent(900 * MS, 900 * MS)
    found.note_answer(0, 1_100 * MS, "AA")
    passed(found, 0, at=2_500 * MS)
    one, two, after = found.phases
    assert (one.sent, two.accepted, after.delivered) == (1, 1, 1)
    assert (one.ack.count, one.end_to_end.count, two.ack.count) == (1, 1, 0)


def test_it_is_delivered_when_every_sink_has_it() -> None:
    found = correlator(sinks=2)
    found.note_sent(0)
    found.note_answer(0, 1, "AA")
    passed(found, 0, sink=0)
    assert (found.delivered, found.on_their_way) == (0, 1)
    passed(found, 0, sink=1)
    assert (found.delivered, found.accounts[1].missing) == (1, 0)


def test_an_arrival_before_the_answer_counts_once() -> None:
    found = correlator()
    found.note_sent(0)
    passed(found, 0)
    found.note_answer(0, 6 * MS, "AA")
    assert (found.delivered, found.on_their_way, len(found._times)) == (1, 0, 0)


def test_loss_duplicates_and_strangers() -> None:
    found = correlator()
    for number in range(3):
        found.note_sent(number)
        found.note_answer(number, number, "AA")
    assert [passed(found, 0), passed(found, 0), found.arrived(0, "X", 9)] == [True, False, True]
    account = found.accounts[0]
    assert (account.missing, account.duplicates, account.unexpected, account.received) == (2, 1, 1, 3)
    assert found.arrived(0, found.control_id(3), 9), "never sent"
    assert account.unexpected == 2


def test_a_refused_message_cannot_be_lost_and_is_on_its_way_no_longer() -> None:
    found = correlator()
    found.note_sent(0)
    found.note_answer(0, 1, "AE")
    assert (found.accepted, found.refused, found.done, found.accounts[0].missing) == (0, 1, 1, 0)
    assert found.phases[0].errors == found.interval.errors == 1


def test_beyond_its_capacity_messages_are_counted_but_not_timed() -> None:
    found = correlator(sinks=2, capacity=10)
    for number in range(1_000):
        found.note_sent(number)
        found.note_answer(number, number, "AA")
    assert (len(found._times), found.misses) == (10, 990)
    for number in range(1_000):
        for sink in range(2):
            assert passed(found, number, sink)
    assert [account.missing for account in found.accounts] == [0, 0]
    assert (found.delivered, found.phases[0].end_to_end.count, len(found._times)) == (1_000, 10, 0)


def test_a_sinks_port_remembers_through_it() -> None:
    found = correlator()
    found.note_sent(0)
    port = Correlated(correlator=found, sink=0)
    for _ in range(2):
        port.note(Header("OTHER", found.control_id(0)), 5, "DOWNSTREAM")
    assert (port.unique, port.duplicates, port.wrong_receiver) == (1, 1, 2)
    assert not port.first_ns


ORDER = st.permutations(range(6)).flatmap(lambda order: st.integers(0, 6).map(lambda count: order[:count]))


@given(st.lists(st.integers(1, 40), min_size=6, max_size=6), st.lists(st.sampled_from(["AA", "AE"]), min_size=6), ORDER)
def test_it_comes_to_the_same_as_a_journal_compared_afterwards(
    waits: list[int], codes: list[str], order: list[int]
) -> None:
    """Messages overlap: each is sent a millisecond after the one before, and answered when it pleases."""
    found, journal = correlator(), Journal("L0123456789")
    happenings = [(number, 0, number) for number in range(6)]
    happenings += [(number + waits[number], 1, number) for number in range(6)]
    for at, kind, number in sorted(happenings):
        for notes in (found, journal):
            if kind == 0:
                notes.note_sent(at * MS)
            else:
                notes.note_answer(number, at * MS, codes[number])
    accepted = [number for number in order if codes[number] == "AA"]
    arrivals = {found.control_id(number): (100 + place) * MS for place, number in enumerate(accepted)}
    for control_id, at in arrivals.items():
        found.arrived(0, control_id, at)
    journal.sending_ended_ns = 50 * MS
    afterwards, account = reconcile(journal, arrivals), found.accounts[0]
    assert (account.missing, account.unexpected) == (afterwards.missing, afterwards.unexpected)
    assert (account.overtaken, found.accepted) == (afterwards.overtaken, afterwards.accepted)
    assert found.phases[0].end_to_end.latency().max == afterwards.end_to_end_ms.max
