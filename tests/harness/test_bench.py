import json
import shlex
import sys
from pathlib import Path

import pytest

from messagefoundry.harness import bench

FLOOR = (
    f"{shlex.quote(sys.executable)} -m messagefoundry.harness.floor --listen {{port}} --forward {{sink}} --db {{db}}"
)
FORGETFUL = f"{shlex.quote(sys.executable)} -m messagefoundry.harness.sink --port {{port}}"


def test_the_floor_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--pairs", "1", "--seconds", "0.3", "--connections", "1,4", "--bar", "0.01", "--json"]
    assert bench.main(["--engine", FLOOR, *options, str(tmp_path / "result.json"), "--dir", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    who = [(run["connections"], run["subject"]) for run in result["runs"]]
    assert who == [(1, "engine"), (1, "floor"), (4, "floor"), (4, "engine")]
    assert all(run["acked"] == run["sent"] > 0 and run["lost"] == 0 for run in result["runs"])
    assert all(run["commits_per_second"] for run in result["runs"])
    assert [one["connections"] for one in result["comparisons"]] == [1, 4]
    assert result["failures"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert "passed, bar 0.01" in capsys.readouterr().out


def test_an_engine_that_forgets_what_it_accepted_fails(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--engine-only", "--pairs", "1", "--connections", "2", "--seconds", "0.1"]
    assert bench.main(["--engine", FORGETFUL, *options, "--patience", "0.1"]) == 1
    assert "acknowledged messages lost" in capsys.readouterr().out


def test_an_engine_that_does_not_start_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    command = f"{shlex.quote(sys.executable)} -c \"raise SystemExit('no such feed')\""
    assert bench.main(["--engine", command, "--engine-only", "--pairs", "1"]) == 2
    assert "engine ended with code 1 at once:\nno such feed" in capsys.readouterr().out
