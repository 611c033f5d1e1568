import subprocess
import sys
from pathlib import Path

import pytest

from messagefoundry.harness.feeds import Feed

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
    assert Feed().configuration([2600], [2700]) == FEED


def test_several_outbounds_get_every_message() -> None:
    text = Feed(fanout=2).configuration([2600], [2700, 2701])
    assert 'outbound("OB_BENCH_2", MLLP(host="127.0.0.1", port=2701))' in text
    assert 'return [Send("OB_BENCH_1", msg), Send("OB_BENCH_2", msg)]' in text


@pytest.mark.parametrize("feed", [Feed(fanout=3, burning=True), Feed(pairs=3), Feed(dedupe=True)])
def test_the_product_accepts_it(feed: Feed, tmp_path: Path) -> None:
    ports, sinks = range(2600, 2600 + feed.inbounds), range(2700, 2700 + feed.fanout)
    (tmp_path / "feed.py").write_text(feed.configuration(ports, sinks))
    check = [sys.executable, "-m", "messagefoundry", "check", "--config", str(tmp_path), "--env", "dev"]
    done = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
