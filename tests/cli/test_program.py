"""The program itself: its list of commands, mistakes of the caller, and errors nobody expected."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from messagefoundry.cli.failures import FAILURES, NotFine, WrongCall, outcome_of
from messagefoundry.contracts.errors import ConfigurationError, EngineRunning, Problem
from messagefoundry.plugins import builtin
from tests.cli.running import Command, environment, program

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("trio", "sqlalchemy", "pydantic", "quart", "hypercorn", "rich", "httpx")
ASK = f"""
import sys
from messagefoundry.cli.program import run
code = run(["--help"])
print("loaded:", *[name for name in {HEAVY!r} if name in sys.modules])
sys.exit(code)
"""


def test_help_lists_every_command_without_importing_what_they_need() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", ASK], env=environment(), capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    *shown, loaded = done.stdout.splitlines()
    assert loaded == "loaded:"
    for name in builtin.COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in shown), name
    # Processor time, not the clock's: the machine may be busy with others.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 0.3


@pytest.mark.parametrize("name", builtin.COMMANDS)
def test_every_command_explains_itself(name: str, command: Command) -> None:
    ran = command(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: messagefoundry {name}")


@pytest.mark.parametrize("name", ["connections", "messages", "dead-letters"])
def test_the_summaries_of_a_group_are_whole(name: str, command: Command) -> None:
    listed = command(name, "--help").out.partition("Commands:")[2]
    assert listed.count("\n") >= 3
    assert "..." not in listed


def test_a_mistyped_command_is_answered_with_the_nearest(command: Command) -> None:
    ran = command("conections")
    assert ran.code == 2
    assert "there is no command 'conections': did you mean 'connections'?" in ran.err


def test_a_mistyped_option_is_answered_with_the_nearest(command: Command) -> None:
    ran = command("validate", "--jsn")
    assert ran.code == 2
    assert "--json" in ran.err


def test_the_version_is_the_distributions(command: Command) -> None:
    ran = command("--version")
    assert ran.code == 0
    assert ran.out.startswith("messagefoundry ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFine("so it is"), 1),
        (WrongCall("so it is"), 2),
        (EngineRunning("so it is"), 2),
        (ConfigurationError([Problem("so it is")]), 2),
        (ExceptionGroup("several", [ExceptionGroup("one", [WrongCall("so it is")])]), 2),
        (click.UsageError("so it is"), 2),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome_of(error) == code
    assert capsys.readouterr().err.strip() == "Error: so it is"


def test_every_problem_of_a_configuration_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("is wrong", "mend it", "feed.py", 3, "IB_A"), Problem("is wrong too")]
    assert outcome_of(ConfigurationError(problems)) == 2
    assert capsys.readouterr().err.splitlines() == ["Error: feed.py:3: IB_A: is wrong (mend it)", "Error: is wrong too"]


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_shows_where_it_arose_and_never_its_text(
    debug: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        try:
            raise KeyError("MSH|^~\\&|SECRET")
        except KeyError as error:
            raise ValueError("PID|1||SECRET") from error

    try:
        fails()
    except FAILURES as error:
        code = outcome_of(error, debug=debug)

    shown = capsys.readouterr().err
    assert code == 1
    assert "SECRET" not in shown.replace('raise KeyError("MSH|^~\\\\&|SECRET")', "").replace(
        'raise ValueError("PID|1||SECRET") from error', ""
    )
    assert "unexpected ValueError at test_program.py" in shown
    assert ("Traceback" in shown or "in fails" in shown) is debug


def test_ctrl_c_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome_of(ExceptionGroup("", [ValueError()])) == 1
    assert outcome_of(BaseExceptionGroup("", [ValueError(), KeyboardInterrupt()])) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    """What `messagefoundry graph | head -1` does to the program."""
    call = f"{sys.executable} -m messagefoundry plugins --json | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", call], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


LATE = """
import atexit, os, signal, sys
from messagefoundry.cli import main
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["messagefoundry", "--version"]
main()
"""


def test_ctrl_c_while_the_interpreter_shuts_down_changes_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_python_dash_m_is_the_program(tmp_path: Path) -> None:
    assert program("validate", cwd=tmp_path).code == 2
