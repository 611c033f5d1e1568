"""`connection`: what is declared, changes that keep the file as its author wrote it, schemas."""

from __future__ import annotations

import difflib
import io
import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.cli.connection_change import judge

if TYPE_CHECKING:
    from messagefoundry.cli.configured import Configured
    from messagefoundry.cli.connection_change import Change
    from tests.cli.running import Command

FILE = Path("config/connections.toml")

WRITTEN = """\
# Connections of the ward, kept by hand

# the feed of admissions
[[inbound]] # first of all
name = "IB_WARD"
transport = "MLLP"
# the Router of the example
router = "example_adt" # in IB_EXAMPLE_ADT.py

[inbound.settings]
port = { env = "example_adt_port", cast = "int" } # the same in every environment
receive_timeout = 30

# the laboratory
[[outbound]]
name = "OB_LAB"
transport = "MLLP"
[outbound.settings]
host = "lab"   # by name
port = 2577

[[inbound]]
name = 'IB_OTHER'
transport = "MLLP"
router = "example_adt"
settings = { port = 2580, receive_timeout = 5 }
# the end
"""


@pytest.fixture
def file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of Connections beside the example's module."""
    monkeypatch.setenv("MEFOR_VALUE_EXAMPLE_ADT_PORT", "2575")
    monkeypatch.setenv("MEFOR_API_PORT", "0")
    text = (repository / "config" / "IB_EXAMPLE_ADT.py").read_text()
    text = text.replace('MLLP(port=env("example_adt_port", cast=int))', "MLLP(port=2570)")
    (repository / "config" / "IB_EXAMPLE_ADT.py").write_text(text)
    FILE.write_text(WRITTEN)
    FILE.chmod(0o640)
    return FILE


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """What went and what came, the rest being in its old order."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


def test_list_says_where_each_is_declared(file: Path, command: Command) -> None:
    listed = command("connection", "list")
    assert listed.code == 0
    lines = listed.out.splitlines()
    assert lines[0].split() == ["CONNECTION", "DIRECTION", "TRANSPORT", "ROUTER", "DECLARED"]
    rows = {line.split()[0]: line.split()[-1].rpartition("/")[2] for line in lines[1:]}
    assert rows["IB_WARD"] == "connections.toml:4"
    assert rows["OB_LAB"] == "connections.toml:15"
    assert rows["IB_EXAMPLE_ADT"].startswith("IB_EXAMPLE_ADT.py:")


def test_list_shows_what_is_written_and_no_secret(file: Path, command: Command) -> None:
    file.write_text(
        WRITTEN
        + '[[outbound]]\nname = "OB_TLS"\ntransport = "MLLP"\n[outbound.settings]\nport = "x"\n'
        + 'tls_key_password = "hunter2"\n[outbound.metadata]\nowner = "lab"\n'
        + '[[outbound]]\nname = "OB_REF"\ntransport = "MLLP"\nsettings.tls_key_password = { env = "lab_password" }\n'
    )
    ran = command("connection", "list", "--json")
    assert "hunter2" not in ran.out
    assert ran.code == 0
    found = {each["name"]: each for each in json.loads(ran.out)["connections"]}
    assert found["IB_WARD"] == {
        "name": "IB_WARD",
        "direction": "inbound",
        "transport": "MLLP",
        "router": "example_adt",
        "place": found["IB_WARD"]["place"],
        "editable": True,
        "options": {},
        "settings": {"port": {"env": "example_adt_port", "cast": "int"}, "receive_timeout": 30},
    }
    assert found["OB_TLS"]["settings"]["tls_key_password"] == "********"
    assert found["OB_TLS"]["options"] == {"metadata": {"owner": "lab"}}
    assert found["OB_REF"]["settings"]["tls_key_password"] == {"env": "lab_password"}
    assert not found["IB_EXAMPLE_ADT"]["editable"]


def test_a_change_touches_its_own_lines_alone(file: Path, command: Command) -> None:
    call = ("--set", "settings.port=2599", "--set", "ack_mode=none", "--unset", "settings.receive_timeout")
    ran = command("connection", "upsert", "inbound", "IB_WARD", *call)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("changed: inbound IB_WARD in config/connections.toml")
    gone, come = changed_lines(WRITTEN, file.read_text())
    assert gone == [
        'port = { env = "example_adt_port", cast = "int" } # the same in every environment',
        "receive_timeout = 30",
    ]
    assert come == ['ack_mode = "none"', "port = 2599 # the same in every environment"]


def test_a_file_that_was_written_with_windows_line_ends_keeps_them(file: Path, command: Command) -> None:
    file.write_bytes(WRITTEN.replace("\n", "\r\n").encode())
    for call in (("upsert", "inbound", "IB_WARD", "--set", "metadata.owner=ward"), ("remove", "IB_OTHER")):
        assert command("connection", *call).code == 0
    new = ("upsert", "outbound", "OB_NEW", "--transport", "File", "--set", "settings.directory=out")
    assert command("connection", *new).code == 0
    content = file.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 20


def test_a_new_one_comes_last_as_a_person_would_write_it(file: Path, command: Command) -> None:
    ran = command(
        *("connection", "upsert", "outbound", "OB_NEW", "--transport", "MLLP", "--set", "settings.host=new"),
        *("--set", 'settings.port={ env = "example_adt_port" }', "--set", "retry.max_attempts=3"),
        *("--set", 'settings.nak={ AE = "dead" }', "--set", "simulate=true"),
    )
    assert ran.code == 0
    assert file.read_text().removeprefix(WRITTEN) == (
        '\n[[outbound]]\nname = "OB_NEW"\ntransport = "MLLP"\nsimulate = true\n\n[outbound.settings]\nhost = "new"\n'
        'port = { env = "example_adt_port" }\nnak = { AE = "dead" }\n\n[outbound.retry]\nmax_attempts = 3\n'
    )


def test_the_first_one_makes_the_file(repository: Path, command: Command) -> None:
    call = ("connection", "upsert", "outbound", "OB_NEW", "--transport", "File", "--set", "settings.directory=out")
    assert command(*call).code == 0
    assert FILE.stat().st_mode & 0o777 == 0o644
    assert tomllib.loads(FILE.read_text())["outbound"][0]["settings"] == {"directory": "out"}
    again = command(*call)
    assert (again.code, again.out.split()[0]) == (0, "unchanged:")


def test_removing(file: Path, command: Command) -> None:
    assert command("connection", "remove", "IB_WARD", "--json").code == 0
    first, last = WRITTEN.index("# the feed"), WRITTEN.index("# the laboratory")
    assert file.read_text() == WRITTEN[:first] + WRITTEN[last:]
    assert command("connection", "remove", "OB_LAB").code == 0
    assert [each["name"] for each in tomllib.loads(file.read_text())["inbound"]] == ["IB_OTHER"]
    assert "# the laboratory" not in file.read_text()
    assert "# Connections of the ward, kept by hand" in file.read_text()


def test_a_dry_run_shows_the_difference_and_writes_nothing(file: Path, command: Command) -> None:
    ran = command("connection", "upsert", "outbound", "OB_LAB", "--set", "settings.port=2600", "--dry-run")
    assert ran.code == 0
    assert "-port = 2577\n+port = 2600\n" in ran.out
    assert file.read_text() == WRITTEN
    told = json.loads(command("connection", "remove", "OB_LAB", "--dry-run", "--json").out)
    assert (told["action"], told["direction"], told["written"]) == ("removed", "outbound", False)
    assert '-name = "OB_LAB"\n' in told["diff"]
    assert file.read_text() == WRITTEN


def test_the_mode_and_a_link_are_kept(file: Path, repository: Path, command: Command) -> None:
    real = repository / "shared.toml"
    file.rename(real)
    file.symlink_to(real)
    assert command("connection", "upsert", "outbound", "OB_LAB", "--set", "settings.port=2600").code == 0
    assert file.is_symlink()
    assert "port = 2600" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in real.parent.iterdir() if each.name.startswith(".connections")) == []


REFUSED = {
    "unknown option": (
        ("upsert", "outbound", "OB_LAB", "--set", "settings.prot=1"),
        "connections.toml:21: OB_LAB: MLLP has no option 'prot' (did you mean 'port'?)",
    ),
    "no such Router": (
        ("upsert", "inbound", "IB_WARD", "--router", "example"),
        "connections.toml:8: IB_WARD: its Router 'example' is not declared (did you mean 'example_adt'?)",
    ),
    "a port that is taken": (
        ("upsert", "inbound", "IB_OTHER", "--set", "settings.port=2575"),
        "IB_OTHER: port 2575 on 127.0.0.1 is also bound by IB_WARD",
    ),
    "no value in the environment": (
        ("upsert", "outbound", "OB_LAB", "--set", 'settings.host={ env = "lab_host" }'),
        '{ env = "lab_host" } has no value in the environment dev',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_validate_would_refuse_is_not_written(file: Path, command: Command, case: str) -> None:
    call, sentence = REFUSED[case]
    for more in ((), ("--dry-run",)):
        ran = command("connection", *call, *more)
        assert (ran.code, ran.out) == (2, "")
        assert sentence in ran.err
        assert ran.err.startswith("nothing is written: ")
        assert file.read_text() == WRITTEN
    assert os.listdir("config").count("connections.toml") == len(
        [each for each in os.listdir("config") if "toml" in each]
    )


WRONG = {
    ("remove", "OB_LAP"): "there is no Connection 'OB_LAP' in config/connections.toml: did you mean 'OB_LAB'?",
    ("remove", "OB_EXAMPLE_FILE"): "connection list says where each is declared",
    ("upsert", "inbound", "OB_LAB", "--router", "x"): "OB_LAB is an outbound in connections.toml: remove it first",
    ("upsert", "outbound", "OB_EXAMPLE_FILE", "--set", "settings.port=5"): (
        "IB_EXAMPLE_ADT.py:12, not in connections.toml: change it there"
    ),
    ("upsert", "inbound", "IB_WARD", "--set", "port"): "--set port: write KEY=VALUE",
    ("upsert", "inbound", "IB_WARD", "--set", "a..b=1"): "'a..b' is no key: write it like settings.port",
    ("upsert", "inbound", "IB_WARD", "--set", "router=x", "--set", "router.a=1"): "inside of a value that is given too",
    ("schema", "MLP"): "no installed plugin has the connector 'MLP': did you mean 'MLLP'?",
    ("schema", "Email"): "the connector Email is not available in this release",
}


@pytest.mark.parametrize("call", WRONG, ids=" ".join)
def test_a_wrong_call_is_answered_with_the_mend(file: Path, command: Command, call: tuple[str, ...]) -> None:
    ran = command("connection", *call)
    assert (ran.code, ran.out) == (2, "")
    assert WRONG[call] in ran.err
    assert file.read_text() == WRITTEN


def test_a_change_of_somebody_else_meanwhile_is_not_lost(
    file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = WRITTEN.replace("port = 2577", "port = 2578")

    def edited(configured: Configured, change: Change) -> None:
        judge(configured, change)
        file.write_text(hand)

    monkeypatch.setattr("messagefoundry.cli.connection.judge", edited)
    ran = command("connection", "upsert", "outbound", "OB_LAB", "--set", "simulate=true")
    assert (ran.code, file.read_text()) == (2, hand)
    assert "was changed by somebody else just now: try again" in ran.err


def test_a_listener_that_the_network_reaches_is_written_when_it_is_allowed(file: Path, command: Command) -> None:
    call = ("connection", "upsert", "inbound", "IB_OTHER", "--set", "bind_address=0.0.0.0")
    assert command(*call).code == 2
    assert file.read_text() == WRITTEN
    assert command(*call, "--allow-insecure-bind").code == 0


def test_a_document_is_a_merge_patch(file: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = {"ack_mode": "none", "settings": {"receive_timeout": None, "port": {"env": "example_adt_port"}}}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(patch)))
    ran = command("connection", "upsert", "inbound", "IB_WARD", "--from", "-")
    assert (ran.code, ran.err) == (0, "")
    entry = tomllib.loads(file.read_text())["inbound"][0]
    assert entry["ack_mode"] == "none"
    assert entry["settings"] == {"port": {"env": "example_adt_port"}}
    before = file.read_text()
    wrong = {
        "[1]": "no JSON object",
        "{": "not readable as JSON",
        '{"metadata": {"a": [{"b": [null]}]}}': "null in a list",
        '{"metadata": {"a": "\\ud800"}}': "no text can have",
    }
    for document, sentence in wrong.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(document))
        ran = command("connection", "upsert", "inbound", "IB_WARD", "--from", "-")
        assert ran.code == 2
        assert sentence in ran.err
        assert file.read_text() == before


def test_a_table_that_is_no_block_of_its_own_is_left_to_a_person(file: Path, command: Command) -> None:
    text = 'outbound = [{ name = "OB_LAB", transport = "File", settings = { directory = "out" } }]\n'
    file.write_text(text)
    for call in (("upsert", "outbound", "OB_LAB", "--set", "simulate=true"), ("remove", "OB_LAB")):
        ran = command("connection", *call)
        assert ran.code == 1
        assert "edit the file by hand" in ran.err
        assert file.read_text() == text


def test_a_table_whose_parts_are_apart_is_never_torn(file: Path, command: Command) -> None:
    text = (
        '[[inbound]]\nname = "IB"\ntransport = "MLLP"\nrouter = "example_adt"\n\n'
        '[[outbound]]\nname = "OB"\ntransport = "File"\nsettings.directory = "out"\n\n[inbound.settings]\nport = 2599\n'
    )
    file.write_text(text)
    for call in (("upsert", "inbound", "IB", "--set", "settings.port=1"), ("remove", "OB"), ("remove", "IB")):
        ran = command("connection", *call)
        assert (ran.code, file.read_text()) == (1, text), ran


def accepted(schema: dict[str, Any], options: dict[str, Any]) -> bool:
    return set(options) <= set(schema["properties"]) and set(schema["required"]) <= set(options)


def test_the_schema_of_a_connector(command: Command) -> None:
    whole = json.loads(command("connection", "schema", "MLLP").out)
    inbound = json.loads(command("connection", "schema", "MLLP", "--direction", "inbound", "--json").out)
    assert "reply_from" in inbound["properties"]
    assert "timeout_seconds" not in inbound["properties"]
    assert set(inbound["properties"]) < set(whole["properties"])
    port = inbound["properties"]["port"]
    assert port["anyOf"] == [{"maximum": 65535, "minimum": 0, "type": "integer"}, {"$ref": "#/$defs/env"}]
    assert port["description"].startswith("The TCP port to listen on")
    assert inbound["required"] == ["port"]
    assert not inbound["additionalProperties"]
    assert inbound["$defs"]["env"]["required"] == ["env"]


def test_the_schema_of_the_file_knows_what_the_file_may_say(file: Path, command: Command) -> None:
    schema = json.loads(command("connection", "schema").out)
    tables = tomllib.loads(file.read_text())
    assert set(tables) == set(schema["properties"])
    for kind, entries in tables.items():
        items = schema["properties"][kind]["items"]
        by_transport = {each["if"]["properties"]["transport"]["const"]: each["then"] for each in items["allOf"]}
        for entry in entries:
            assert accepted(items, entry)
            assert accepted(by_transport[entry["transport"]]["properties"]["settings"], entry["settings"])
    assert schema["properties"]["inbound"]["items"]["required"] == ["name", "transport", "router"]
    assert "strict_timeout" not in schema["properties"]["inbound"]["items"]["properties"]
