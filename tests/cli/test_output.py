from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from messagefoundry.cli.output import Column, plural, show_table
from tests.cli.running import Command, environment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_without_a_terminal_names_are_whole_and_nothing_is_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    long = "OB_" + "X" * 300
    show_table(("NAME", Column("COUNT", right=True)), [(long, 5), ("OB_A", None)])
    assert capsys.readouterr().out.splitlines() == [
        f"{'NAME':<303}  COUNT",
        f"{long}      5",
        "OB_A",
    ]


def test_an_empty_table_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("NAME",), [])
    assert capsys.readouterr().out == ""


def test_counts_agree_with_their_nouns() -> None:
    assert [plural(count, "message") for count in (0, 1, 1200)] == ["0 messages", "1 message", "1,200 messages"]


def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """What a command shows to a person."""
    leader, follower = pty.openpty()
    environ = environment({"TERM": "xterm-256color", "COLUMNS": "60"})
    with subprocess.Popen(
        [sys.executable, "-m", "messagefoundry", *arguments], cwd=cwd, env=environ, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        shown = b""
        try:
            while data := os.read(leader, 65536):
                shown += data
        except OSError:  # how Linux says that the other side has closed
            pass
        process.wait(30)
    os.close(leader)
    return shown.decode()


def test_a_terminal_gets_colour_and_still_every_name(repository: Path) -> None:
    shown = on_a_terminal("graph", cwd=repository)
    assert "\x1b[" in shown
    assert "OB_EXAMPLE_FILE" in shown
    table = on_a_terminal("plugins", cwd=repository)
    assert "\x1b[" in table
    assert "…" not in table


def test_the_graph_reads_from_inbound_to_outbound(repository: Path, command: Command) -> None:
    assert command("graph").out.splitlines() == [
        "IB_EXAMPLE_ADT  MLLP 127.0.0.1:2575",
        "  Router example_adt",
        "    Handler keep_adt",
        "      OB_EXAMPLE_FILE  File out/{MSH-10}.hl7",
    ]
    assert [(each["from"], each["to"]) for each in json.loads(command("graph", "--json").out)["edges"]] == [
        ("IB_EXAMPLE_ADT", "example_adt"),
        ("example_adt", "keep_adt"),
        ("keep_adt", "OB_EXAMPLE_FILE"),
    ]


def test_the_graph_as_mermaid(repository: Path, command: Command) -> None:
    first, *nodes, one, two, three = command("graph", "--mermaid").out.splitlines()
    assert first == "flowchart LR"
    assert len(nodes) == 4
    assert [line.strip() for line in (one, two, three)] == [
        "inbound1 --> router2",
        "router2 --> handler3",
        "handler3 --> outbound4",
    ]


def test_names_in_globals_and_inner_functions_are_edges_too(repository: Path, command: Command) -> None:
    (repository / "config" / "more.py").write_text(
        """
from messagefoundry import File, Send, handler, inbound, outbound, router

TABLE = {"ADT": ["h_table"]}
outbound("OB_MORE", File(directory="more"))
inbound("IB_MORE", File(directory="in"), router="more")


@router("more")
def more(msg):
    return TABLE.get(msg["MSH-9.1"])


def sends(msg):
    return Send("OB_MORE", msg)


@handler("h_table")
def h_table(msg):
    return sends(msg)
"""
    )
    edges = [(each["from"], each["to"]) for each in json.loads(command("graph", "--json").out)["edges"]]
    assert ("more", "h_table") in edges
    assert ("h_table", "OB_MORE") in edges


def test_plugins_are_listed_with_what_they_register(command: Command) -> None:
    found = {each["name"]: each for each in json.loads(command("plugins", "--json").out)["plugins"]}
    assert {"kind": "connector", "name": "MLLP"} in found["mllp"]["registers"]
    assert "connectors MLLP, Tcp" in command("plugins").out


def test_the_doctor_finds_all_well(repository: Path, command: Command) -> None:
    ran = command("doctor", "--config", "config")
    assert ran.code == 0, ran.out
    assert "everything that config names is installed" in ran.out
    assert ran.out.rstrip().endswith("all is well")


def test_the_doctor_names_the_line_that_installs_what_is_missing(repository: Path, command: Command) -> None:
    (repository / "config" / "soap.py").write_text(
        'from messagefoundry import X12, Soap, outbound\noutbound("OB_SOAP", Soap(url="http://x"))\n'
    )
    ran = command("doctor", "--config", "config", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found["sound"] is False
    assert {"Soap", "X12"} <= {name for each in found["missing"] for name in each["text"].split()}


def test_validate_names_file_line_and_mend(repository: Path, command: Command) -> None:
    (repository / "config" / "wrong.py").write_text(
        'from messagefoundry import MLLP, inbound\ninbound("IB_X", MLLP(prot=2603), router="nobody")\n'
    )
    ran = command("validate")
    assert ran.code == 1
    assert f"problem  {repository}/config/wrong.py:2: IB_X: MLLP has no option 'prot' (did you mean 'port'?)" in ran.out
    assert ran.out.rstrip().endswith("3 problems in the environment dev")


def test_names_with_brackets_and_quotes_do_not_break_mermaid(repository: Path, command: Command) -> None:
    odd = """\n\n@handler('a "quoted" [one]')\ndef odd(msg):\n    return None\n"""
    with next((repository / "config").glob("*.py")).open("a") as file:
        file.write(odd)
    assert '["a #34;quoted#34; #91;one#93;"]' in command("graph", "--mermaid").out
