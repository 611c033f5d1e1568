"""`messagefoundry import mirth`: what it writes, prints and answers."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from messagefoundry.cli.program import run
from tests.importing.exports import channel, destination, javascript, sender, transformer

WHOLE = channel("ADT In", destination(1, "Lab", sender()))
PARTLY = channel(
    "ADT In", destination(1, "Lab", sender(), steps=transformer(javascript(0, "loop", "for (;;) { send(); }")))
)


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def import_mirth(xml: str, *more: str, file: str = "channel.xml") -> int:
    Path(file).write_text(xml, "utf-8")
    return run(["import", "mirth", file, "--out", "repo", *more])


def test_a_whole_channel_is_written_and_validates(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_mirth(WHOLE) == 0
    out = capsys.readouterr().out
    assert "config/IB_ADT_IN.py: 2 translated" in out
    assert "wrote repo/environments/dev.toml" in out
    assert {str(path) for path in Path("repo").rglob("*") if path.is_file()} == {
        "repo/config/IB_ADT_IN.py",
        "repo/environments/dev.toml",
        "repo/import-channel.md",
    }
    arguments = ["--config", "repo/config", "--project-root", "repo", "--env", "dev", "--allow-insecure-bind"]
    assert run(["validate", *arguments]) == 0
    said = capsys.readouterr().out
    assert "valid in the environment dev: 1 inbound, 1 outbound, 1 Router, 1 Handler" in said
    assert "warning" not in said


def test_what_is_not_translated_ends_with_1_and_a_warning_of_validate(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_mirth(PARTLY) == 1
    out = capsys.readouterr().out
    assert "not translated  destination Lab, step 1 'loop' (JavaScript): 'for' is beyond what is translated" in out
    assert "1 part not translated: the modules fail there until you write them" in out
    arguments = ["--config", "repo/config", "--project-root", "repo", "--env", "dev", "--allow-insecure-bind"]
    assert run(["validate", "--json", *arguments]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning["name"] == "ADT In, destination Lab, step 1 'loop' (JavaScript)"
    assert warning["mend"] == "write it in Python and remove the raise"


def test_dryrun_names_the_step(capsys: pytest.CaptureFixture[str]) -> None:
    import_mirth(PARTLY)
    capsys.readouterr()
    Path("one.hl7").write_bytes(b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\r")
    arguments = ["--config", "repo/config", "--project-root", "repo", "--env", "dev"]
    assert run(["dryrun", "one.hl7", *arguments]) == 1
    said = capsys.readouterr().out
    assert "in handler adt_in_lab: ADT In, destination Lab, step 1 'loop' (JavaScript)" in said


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert import_mirth(PARTLY, "--json") == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["complete"], [Path(each).name for each in facts["files"]]) == (
        False,
        ["IB_ADT_IN.py", "import-channel.md", "dev.toml"],
    )
    (found,) = facts["channels"]
    assert (found["channel"], found["version"], found["module"]) == ("ADT In", "4.5.2", "config/IB_ADT_IN.py")
    assert {
        "outcome": "not translated",
        "place": "destination Lab",
        "part": "step 1 'loop' (JavaScript)",
        "why": "'for' is beyond what is translated",
    } in found["entries"]


def test_the_page_holds_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    import_mirth(PARTLY, "--json")
    entries = json.loads(capsys.readouterr().out)["channels"][0]["entries"]
    page = Path("repo/import-channel.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| where")]
    assert len(rows) == len(entries)
    assert rows[0] == "| destination Lab | step 1 'loop' (JavaScript) | 'for' is beyond what is translated |"


def test_a_name_with_signs_of_a_table_keeps_its_row_whole() -> None:
    import_mirth(PARTLY.replace("loop", "a | b &lt;i&gt; `c`"))
    page = Path("repo/import-channel.md").read_text("utf-8")
    assert "| destination Lab | step 1 'a \\| b \\<i\\> \\`c\\`' (JavaScript) |" in page


def test_nothing_is_overwritten_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    import_mirth(WHOLE)
    module = Path("repo/config/IB_ADT_IN.py")
    module.write_text("mine")
    assert import_mirth(WHOLE) == 2
    assert "repo/config/IB_ADT_IN.py is there already: name another --out, or give --force" in capsys.readouterr().err
    assert module.read_text() == "mine"
    assert import_mirth(WHOLE, "--force") == 0
    assert module.read_text() != "mine"


def test_nothing_is_written_when_one_file_is_in_the_way() -> None:
    Path("repo").mkdir()
    Path("repo/import-channel.md").write_text("mine")
    assert import_mirth(WHOLE) == 2
    assert [path.name for path in Path("repo").iterdir()] == ["import-channel.md"]


def test_values_that_are_there_are_kept_and_new_ones_stand_behind_them() -> None:
    values = Path("repo/environments/dev.toml")
    values.parent.mkdir(parents=True)
    values.write_text('# mine\nadt_in_port = 9999\nother = "x"')
    assert import_mirth(WHOLE) == 0
    assert values.read_text().startswith('# mine\nadt_in_port = 9999\nother = "x"\n')
    assert tomllib.loads(values.read_text()) == {
        "adt_in_port": 9999,
        "other": "x",
        "adt_in_lab_host": "10.1.2.3",
        "adt_in_lab_port": 6670,
    }


@pytest.mark.parametrize(("text", "why"), [("a = ", "it is no TOML"), ("[a]\nb = 1", "it has a table")])
def test_a_file_of_values_that_cannot_be_extended_is_left_alone(
    text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values = Path("repo/environments/dev.toml")
    values.parent.mkdir(parents=True)
    values.write_text(text)
    assert import_mirth(WHOLE) == 2
    assert why in capsys.readouterr().err
    assert values.read_text() == text
    assert not Path("repo/config").exists()


def test_an_import_into_a_repository_of_init_validates(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "repo"]) == 0
    assert import_mirth(WHOLE) == 0
    arguments = ["--config", "repo/config", "--project-root", "repo", "--env", "dev", "--allow-insecure-bind"]
    capsys.readouterr()
    assert run(["validate", *arguments]) == 0
    assert "2 inbounds" in capsys.readouterr().out


def test_a_file_that_is_not_there_and_one_that_is_no_export(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "mirth", "absent.xml", "--out", "repo"]) == 2
    assert import_mirth("<a/>") == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "Error: absent.xml: No such file or directory: name the file of an export, and a directory",
        "Error: channel.xml: there is no channel in it: name the XML file that the channel was exported to",
    ]


def test_modules_may_not_be_written_by_others() -> None:
    before = os.umask(0)
    try:
        import_mirth(WHOLE)
    finally:
        os.umask(before)
    assert all(path.stat().st_mode & 0o022 == 0 for path in [Path("repo"), *Path("repo").rglob("*")])
