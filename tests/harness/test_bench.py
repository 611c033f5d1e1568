import json
import shlex
import sys
from pathlib import Path

import pytest

from messagefoundry.harness import bench
from messagefoundry.harness.page import END, Record, begin_of, figures_block, record_beside

FLOOR = (
    f"{shlex.quote(sys.executable)} -m messagefoundry.harness.floor --listen {{port}} --forward {{sink}} --db {{db}}"
)
FORGETFUL = f"{shlex.quote(sys.executable)} -m messagefoundry.harness.sink --port {{port}}"


def test_the_floor_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Main scenarios, the record, the page; the ratio is about 1, so a bar of nearly nothing passes."""
    page, result = tmp_path / "page.md", tmp_path / "result.json"
    page.write_text(f"# Speed\n\n{begin_of()}\nold\n{END}\n\nThe end.\n")
    files = ["--json", str(result), "--page", str(page), "--dir", str(tmp_path)]
    short = ["--pairs", "1", "--seconds", "0.3", "--warm-up", "0.1", "--connections", "1", "--bar", "0.01"]
    assert bench.main(["--engine", FLOOR, *short, *files]) == 0
    content = json.loads(result.read_text())
    who = [(run["scenario"], run["subject"]) for run in content["runs"]]
    assert who == [("full", "engine"), ("full", "floor"), ("half-load", "engine"), ("half-load", "floor")]
    assert all(run["acked"] == run["sent"] > 0 for run in content["runs"])
    assert all(run[name] == 0 for run in content["runs"] for name in ("lost", "duplicates", "disorder", "unexpected"))
    assert all(run["commits_per_second"] for run in content["runs"])
    assert (content["faults"], content["comparisons"][0]["pairs"]) == ([], 1)
    record = Record.from_json(record_beside(page).read_text())
    assert page.read_text() == f"# Speed\n\n{begin_of()}\n\n{figures_block(record)}\n{END}\n\nThe end.\n"
    assert str(tmp_path) not in page.read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"page.md", "page.json", "result.json"}
    assert "engine  floor  ratio" in capsys.readouterr().out


def test_a_missed_bar_fails_when_bars_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--pairs", "1", "--seconds", "0.1", "--warm-up", "0", "--connections", "1", "--scenarios", "full"]
    assert bench.main(["--engine", FLOOR, *short, "--bar", "50", "--bars"]) == 1
    assert "the bar is ≥ 50.00" in capsys.readouterr().out


def test_an_engine_that_forgets_what_it_accepted_fails(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--pairs", "1", "--connections", "2", "--seconds", "0.1", "--warm-up", "0", "--patience", "0.1"]
    assert bench.main(["--engine", FORGETFUL, "--engine-only", *short]) == 1
    assert "acknowledged messages lost" in capsys.readouterr().out


def test_an_engine_that_does_not_start_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    command = f"{shlex.quote(sys.executable)} -c \"raise SystemExit('no such feed')\""
    assert bench.main(["--engine", command, "--engine-only", "--pairs", "1"]) == 2
    assert "engine ended with code 1 at once:\nno such feed" in capsys.readouterr().out


def test_an_engine_without_a_store_to_seed_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--scenarios", "stored", "--stored", "50", "--pairs", "1", "--patience", "0.1", "--dir", str(tmp_path)]
    assert bench.main(["--engine", FORGETFUL, *options]) == 2
    assert "keeps no SQLite store, which this scenario needs" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_page_without_a_place_for_figures_exits_2_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.md").write_text("# Speed\n")
    with pytest.raises(SystemExit, match="2"):
        bench.main(["--page", str(tmp_path / "page.md")])
    assert "has no lines" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scenarios", "fast"], "there is no scenario 'fast'"),
        (["--scenarios", "far"], "the scenario 'far' needs a server database: make bench STORE=postgres"),
        (["--dir", "/nowhere"], "there is no directory /nowhere"),
    ],
)
def test_a_wrong_call_exits_2(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(arguments)
    assert sentence in capsys.readouterr().err
