"""The headline must turn red for every way in which an engine can be wrong: whole runs, real sockets."""

from dataclasses import replace

import pytest

from messagefoundry.harness.conduct import Target, Wanted, run_profile
from messagefoundry.harness.load_report import Report
from messagefoundry.harness.profiles import Objectives, Phase, Profile
from messagefoundry.harness.subject import SubjectError
from messagefoundry.harness.workplace import free_ports

from .faulty import Fault, faulty_engine, honest, with_another_id

PROFILE = Profile(
    name="test",
    says="",
    phases=(
        Phase(name="warm-up", seconds=0.2, rate=50),
        Phase(name="steady", seconds=0.3, rate=100, measured=True, least_rate=10),
    ),
    connections=1,
)


def report_of(fault: Fault = honest, profile: Profile = PROFILE, said: dict[str, int | str] | None = None) -> Report:
    (sink,) = free_ports(1)
    with faulty_engine(fault, sink, **(said or {})) as engine:
        target = Target(
            host="127.0.0.1",
            port=engine.port,
            api_host="127.0.0.1",
            api_port=engine.api_port,
            sink_host="127.0.0.1",
            sink_ports=(sink,),
        )
        return run_profile(Wanted(profile=profile, patience_seconds=0.4), target, lambda _: None)


def test_an_honest_engine_passes() -> None:
    report = report_of()
    books = report.books
    assert report.faults == []
    assert books.headline.startswith("ZERO LOSS: 40 sent = 40 read by the engine, 40 written = 40 received, backlog 0")
    assert [phase.sent for phase in report.phases] == [10, 30]
    assert sum(count for _, count in report.histograms["end_to_end"]) == 30, "the measured phase alone"
    assert (report.cpu_ms_per_message, report.peak_rss_mb) == (None, None)
    assert sum(row["sent"] for row in report.intervals) == 40
    assert report.intervals[-1]["backlog"] == 0


def late_by_two() -> Fault:
    """Keep every tenth message back until two more have come."""
    kept: dict[int, bytes] = {}

    def fault(number: int, content: bytes) -> list[bytes]:
        if number % 10 == 5:
            kept[number] = content
            return []
        return [content, *([kept.pop(number - 2)] if number - 2 in kept else [])]

    return fault


@pytest.mark.parametrize(
    ("fault", "said", "sentences"),
    [
        (
            lambda number, content: [] if number == 33 else [content],
            {},
            [
                "1 lost: acknowledged, but never arrived",
                "40 written by the engine, but 39 received",
                "drain s was not measured",
            ],
        ),
        (
            lambda number, content: [content, content] if number == 33 else [content],
            {},
            ["1 arrived twice", "40 written by the engine, but 41 received"],
        ),
        (
            lambda number, content: [with_another_id(content)] if number == 33 else [content],
            {},
            ["1 lost", "1 arrived that were not sent in this run"],
        ),
        (late_by_two(), {}, ["4 overtaken"]),
        (honest, {"unread": 1, "code": "AE"}, ["nothing was accepted", "40 sent, but 39 read", "share of errors is 1"]),
        (honest, {"backlog": 2}, ["a backlog of 2 left in the engine"]),
    ],
    ids=["loss", "duplicate", "foreign", "disorder", "refusal", "backlog"],
)
def test_an_engine_with_a_fault_fails(fault: Fault, said: dict[str, int | str], sentences: list[str]) -> None:
    report = report_of(fault, said=said)
    assert report.books.headline.startswith("NOT RECONCILED: ")
    for sentence in sentences:
        assert any(fault.startswith(sentence) for fault in report.faults), report.faults


def test_a_missed_objective_fails_without_a_loss() -> None:
    report = report_of(profile=replace(PROFILE, objectives=Objectives(ack_p99_ms=0.0001)))
    assert report.books.faults == []
    (fault,) = report.faults
    assert fault.startswith("steady: ACK p99 ms is ")
    assert fault.endswith("the objective is ≤ 0.0001")


def test_a_closed_loop_has_no_more_on_their_way_than_its_phase_says() -> None:
    phases = tuple(Phase(name=f"{n}", seconds=0.4, in_flight=n, measured=True) for n in (1, 3))
    profile = Profile(name="closed", says="", phases=phases, connections=3)
    report = report_of(profile=profile)
    assert report.faults == []
    assert max(row["on_their_way"] for row in report.intervals) <= 3
    assert all(phase.delivered > 10 for phase in report.phases)
    assert report.notes[0].startswith("the most that was sustained is ")


def test_a_closed_loop_waits_for_what_arrives_not_for_what_is_acknowledged() -> None:
    profile = Profile(name="closed", says="", phases=(Phase(name="3", seconds=0.5, in_flight=3, measured=True),))
    report = report_of(lambda number, content: [content] if number <= 20 else [], profile)
    assert report.books.sent == report.books.accepted == 23
    assert report.books.missing == 3


def test_what_exceeds_the_correlators_capacity_is_noted_and_still_reconciled() -> None:
    """Of messages that are kept back, only the newest are timed."""
    kept: list[bytes] = []

    def fault(number: int, content: bytes) -> list[bytes]:
        kept.append(content)
        if number < 40:
            return []
        everything, kept[:] = list(kept), []
        return everything

    report = report_of(fault, replace(PROFILE, correlator_capacity=5))
    assert report.books.faults == []
    assert any("35 messages were counted but not timed" in note for note in report.notes)
    assert report.phases[1].end_to_end_ms["p99"] is not None


def test_another_program_at_the_apis_port_is_no_engine() -> None:
    with pytest.raises(SubjectError, match=r"no engine answers at http://127\.0\.0\.1:\d+, and without its counts"):
        report_of(said={"foreign": 1})


def test_nobody_listening_is_one_sentence() -> None:
    port, api, sink = free_ports(3)
    host = "127.0.0.1"
    with faulty_engine(honest, sink) as engine:
        target = Target(
            host=host, port=port, api_host=host, api_port=engine.api_port, sink_host=host, sink_ports=(sink,)
        )
        with pytest.raises(SubjectError, match=f"cannot send to {host}:{port}: Connection refused"):
            run_profile(Wanted(profile=PROFILE), target, lambda _: None)
        taken = Target(
            host=host,
            port=engine.port,
            api_host=host,
            api_port=api,
            sink_host=host,
            sink_ports=(engine.port,),
        )
        with pytest.raises(SubjectError, match="cannot listen for deliveries: Address already in use"):
            run_profile(Wanted(profile=PROFILE), taken, lambda _: None)
