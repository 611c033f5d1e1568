from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.demo_feed import judged
from tests.cli.running import environment, program

if TYPE_CHECKING:
    from pathlib import Path


def test_it_delivers_everything_on_both_ways_and_cleans_up(tmp_path: Path) -> None:
    ran = program("demo", "--messages", 40, cwd=tmp_path, environ={"TMPDIR": str(tmp_path)})
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.rstrip().endswith("40 messages: all delivered on both ways, once, in order")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_it_with_the_final_table(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", "demo", "--json", "--rate", "50"],
        cwd=tmp_path,
        env=environment({"TMPDIR": str(tmp_path)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        while not list(tmp_path.glob("messagefoundry-demo-*/out/*.hl7")):
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=60)
    assert demo.returncode == 0, out + err
    found = json.loads(out)
    assert found["findings"] == []
    assert found["sent"] == found["delivered"] == found["files"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arrived", "sentence"),
    [
        (["1", "2", "3"], ""),
        (["1", "3", "2"], "way: the messages came in another order than they were sent"),
        (["1", "3"], "way: 1 messages are missing, 0 were never sent"),
        (["1", "2", "3", "4"], "way: 0 messages are missing, 1 were never sent"),
    ],
)
def test_what_is_wrong_with_a_way(arrived: list[str], sentence: str) -> None:
    assert judged("way", arrived, ["1", "2", "3"]) == sentence
