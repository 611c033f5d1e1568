import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.harness.profiles import PROFILES, Phase, Profile, profile_named
from messagefoundry.harness.schedule import InFlight, Schedule, Timeline

RATES = st.floats(0.5, 2_000)
PHASES = st.lists(
    st.builds(
        lambda seconds, first, rate: Phase(name="p", seconds=seconds, rate_from=first, rate=rate),
        st.floats(0.1, 20),
        st.none() | RATES,
        RATES,
    ),
    min_size=1,
    max_size=4,
)
START = 5_000_000_000


@given(PHASES, st.data())
def test_a_message_is_allowed_from_when_it_is_due(phases: list[Phase], data: st.DataObject) -> None:
    schedule = Schedule(phases, START)
    most = int(sum(phase.offers for phase in phases))
    number = data.draw(st.integers(0, max(0, most - 1)))
    due = schedule.due_ns(number, 0)
    assert START <= due <= START + sum(phase.seconds for phase in phases) * 1e9 + 1
    assert schedule.allowed(due + 2_000) == number + 1
    if due - 2_000 > START:
        assert schedule.allowed(due - 2_000) == number


@given(PHASES)
def test_due_times_ascend_and_all_come_due_in_the_end(phases: list[Phase]) -> None:
    schedule = Schedule(phases, START)
    offers, seconds = sum(phase.offers for phase in phases), sum(phase.seconds for phase in phases)
    numbers = range(0, int(offers), max(1, int(offers) // 50))
    due = [schedule.due_ns(number, 0) for number in numbers]
    assert due == sorted(due)
    assert offers <= schedule.allowed(START + int(seconds * 1e9) + 1) < offers + 1


def test_a_ramp_offers_the_mean_of_its_ends() -> None:
    schedule = Schedule([Phase(name="ramp", seconds=10, rate_from=0.001, rate=20)], 0)
    assert schedule.allowed(int(5e9)) == 26, "a quarter of a hundred in half of the time, and the next"
    assert schedule.allowed(int(10e9)) == 101


def test_it_waits_for_the_next_one_and_after_the_last_for_the_end() -> None:
    schedule = Schedule([Phase(name="slow", seconds=2, rate=1)], 0)
    assert schedule.wait_seconds(0) == pytest.approx(1)
    assert schedule.wait_seconds(int(1.5e9)) == pytest.approx(0.5)


def test_a_closed_loop_keeps_so_many_on_their_way() -> None:
    phases = [Phase(name="one", seconds=1, in_flight=1), Phase(name="four", seconds=1, in_flight=4)]
    timeline, done = Timeline(phases), [0]
    pace = InFlight(phases, timeline, lambda: done[0])
    assert pace.allowed(int(0.5e9)) == 1
    done[0] = 7
    assert pace.allowed(int(0.5e9)) == 8
    assert pace.allowed(int(1.5e9)) == 11
    assert pace.allowed(int(9e9)) == 11


def test_the_timeline_says_which_phase_it_is() -> None:
    timeline = Timeline([Phase(name="a", seconds=1), Phase(name="b", seconds=2)])
    timeline.start_ns = START
    at = [timeline.at(START + int(seconds * 1e9)) for seconds in (-1, 0, 0.9, 1.1, 2.9, 3.1, 99)]
    assert at == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_another_duration_keeps_the_proportions_and_the_rates(profile: Profile) -> None:
    scaled = profile.lasting(60)
    assert scaled.seconds == pytest.approx(60)
    assert [phase.rate for phase in scaled.phases] == [phase.rate for phase in profile.phases]
    assert scaled.phases[0].seconds / 60 == pytest.approx(profile.phases[0].seconds / profile.seconds)


def test_another_rate_moves_what_is_demanded_with_it() -> None:
    half = profile_named("fanout-baseline").at_rate(105)
    sustained, spike = half.phases[2], half.phases[3]
    assert (sustained.rate, sustained.least_rate, spike.rate) == (105, 100, 210)
    assert half.phases[1].rate_from == 25
    assert half.seconds == profile_named("fanout-baseline").seconds


def test_the_profiles_of_the_guide() -> None:
    assert [profile.name for profile in PROFILES] == ["smoke", "fanout-baseline", "reference", "closed-loop", "soak"]
    baseline = profile_named("fanout-baseline")
    demanded = baseline.objectives
    assert [phase.name for phase in baseline.phases[:5]] == ["warm-up", "ramp", "sustained", "spike", "recovery"]
    assert [phase.name for phase in baseline.phases if phase.measured] == ["sustained", "sustained again"]
    assert {phase.least_rate for phase in baseline.phases if phase.measured} == {200}
    assert (demanded.ack_p99_ms, demanded.end_to_end_p99_ms, demanded.error_share, demanded.drain_seconds) == (
        50,
        5000,
        0.001,
        60,
    )
    assert profile_named("soak").seconds >= 3600
