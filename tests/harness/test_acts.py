import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.harness.acts import OUTCOMES, Act, Script, ScriptError, read_script

AA, AE = Act("AA"), Act("AE")


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("", []),
        ("AA", [AA]),
        ("aa; Close", [AA, Act("close")]),
        ("delay 2 then AA", [Act("AA", 2.0)]),
        ("delay .5 then close", [Act("close", 0.5)]),
        ("fail 3 then AA", [AE, AE, AE, AA]),
        ("fail 1 with close then delay 1 then AA", [Act("close"), Act("AA", 1.0)]),
        ("fail 2 with delay 1 then none then AR", [Act("none", 1.0), Act("none", 1.0), Act("AR")]),
        ("3 times garbage; wrong-id", [Act("garbage")] * 3 + [Act("wrong-id")]),
        ("AE # not yet; nor here\nAA;;\n", [AE, AA]),
    ],
)
def test_each_form_of_an_act(text: str, acts: list[Act]) -> None:
    assert read_script(text) == Script(tuple(acts))


def test_after_the_last_act_everything_is_accepted() -> None:
    script = read_script("close; AE")
    assert [script.act(number).outcome for number in range(4)] == ["close", "AE", "AA", "AA"]


def test_repeat_begins_again() -> None:
    script = read_script("fail 1 then AA; repeat")
    assert [script.act(number).outcome for number in range(5)] == ["AE", "AA", "AE", "AA", "AE"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "AA; bogus",
            "'bogus': 'bogus' is no answer: there are AA, AE, AR, CA, CE, CR, close, garbage, wrong-id, none",
        ),
        ("AA AE", "'AA AE': 'AE' is too much: acts are parted by ';'"),
        ("fail", "'fail': a number is missing at its end"),
        ("fail 2", "'fail 2': 'then' is missing at its end"),
        ("fail 2 AA", "'fail 2 AA': 'then' is missing before 'AA'"),
        ("fail 0 then AA", "'fail 0 then AA': '0' is not how often: give a number from 1 to 100,000"),
        ("fail ² then AA", "'fail ² then AA': '²' is not how often: give a number from 1 to 100,000"),
        ("delay soon then AA", "'delay soon then AA': 'soon' is no delay: give seconds, at most 86,400"),
        ("delay -1 then AA", "'delay -1 then AA': '-1' is no delay: give seconds, at most 86,400"),
        ("delay nan then AA", "'delay nan then AA': 'nan' is no delay: give seconds, at most 86,400"),
        ("delay 2", "'delay 2': 'then' is missing at its end"),
        ("delay 2 then", "'delay 2 then': an answer is missing at its end"),
        ("repeat", "there is nothing to repeat"),
        ("AA; repeat; AE", "'repeat' may only stand last"),
        ("AA; Repeat; repeat", "'repeat' may only stand last"),
        ("each close", "'each close': 'close' is no code: there are AA, AE, AR, CA, CE, CR"),
        ("each", "'each': a code is missing at its end"),
        ("each AA close", "'each AA close': 'close' is too much: acts are parted by ';'"),
        ("60000 times AA; 60000 times AA", "there are more than 100,000 acts"),
    ],
)
def test_what_means_nothing_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ScriptError) as caught:
        read_script(text)
    assert str(caught.value) == sentence


def test_each_has_a_code_for_every_message_of_a_batch() -> None:
    (act, *others) = read_script("delay 1 then each AA ae; fail 1 with each AR then AA").acts
    assert (act, str(act)) == (Act("AA", 1.0, ("AA", "AE")), "each AA AE after 1 s")
    assert [act.of(place) for place in range(4)] == ["AA", "AE", "AE", "AE"]
    assert others == [Act("AR", each=("AR",)), Act("AA")]
    assert Act("close").of(3) == "close"


ACTS = st.lists(st.builds(Act, st.sampled_from(OUTCOMES), st.integers(0, 1000).map(float)), max_size=20)


@given(ACTS, st.sampled_from([";", " ;\n", "\n"]))
def test_whatever_is_written_is_read_as_it_was_meant(acts: list[Act], parting: str) -> None:
    text = parting.join(f"delay {act.delay:g} then {act.outcome}" for act in acts)
    assert list(read_script(text).acts) == acts


@given(st.text(alphabet=" ;\n#0123456789aefilrtdhnpc", max_size=60))
def test_any_text_is_a_script_or_is_refused(text: str) -> None:
    try:
        script = read_script(text)
    except ScriptError:
        return
    assert all(act.outcome in OUTCOMES for act in script.acts)
