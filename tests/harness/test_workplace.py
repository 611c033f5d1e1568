import ast
import stat

from messagefoundry.harness.workplace import feed_configuration, free_ports, fresh_workplace

FEED = """\
from messagefoundry import MLLP, Send, handler, inbound, outbound, router

inbound("IB_BENCH", MLLP(port=2600), router="to_bench")
outbound("OB_BENCH", MLLP(host="127.0.0.1", port=2700))


@router("to_bench")
def to_bench(msg):
    return "bench"


@handler("bench")
def bench(msg):
    msg["MSH-5"] = "DOWNSTREAM"
    return Send("OB_BENCH", msg)
"""


def test_the_feed() -> None:
    assert feed_configuration(2600, [2700]) == FEED


def test_the_feed_with_several_outbounds() -> None:
    text = feed_configuration(2600, [2700, 2701])
    ast.parse(text)
    assert 'outbound("OB_BENCH_2", MLLP(host="127.0.0.1", port=2701))' in text
    assert 'return [Send("OB_BENCH_1", msg), Send("OB_BENCH_2", msg)]' in text


def test_a_workplace_belongs_to_its_owner_alone_and_vanishes() -> None:
    with fresh_workplace([2700]) as place:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.directory, place.configuration)]
        assert modes == [0o700, 0o700]
        assert stat.S_IMODE((place.configuration / "feed.py").stat().st_mode) == 0o600
        assert not place.database.exists()
    assert not place.directory.exists()


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
