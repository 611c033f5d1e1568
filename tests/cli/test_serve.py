"""The scaffold, served: the README's commands word for word, one engine per store, signals."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from messagefoundry.testing import free_port
from tests.cli.running import READY, Command, Ran, environment, program, serving

CONFIGURED = 2575
BIN = Path(sys.executable).parent


def usual_port(port: int) -> int:
    """The port that the README names, or another where something else on this machine has it."""
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return port
    return free_port()


def readme_commands(repository: Path) -> list[list[str]]:
    """The lines of each block of the README that a shell is to run."""
    blocks = re.findall(r"```sh\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    return [[line.partition("#")[0].rstrip() for line in block.splitlines()] for block in blocks]


def in_a_shell(line: str, directory: Path, environ: dict[str, str]) -> Ran:
    """Run a line of the README, `messagefoundry` being the one under test."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=directory,
        env={**environ, "PATH": f"{BIN}:{environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_the_readme_of_the_scaffold_word_for_word(repository: Path) -> None:
    port = usual_port(CONFIGURED)
    environ = environment({"MEFOR_VALUE_EXAMPLE_ADT_PORT": str(port), "MEFOR_API_PORT": "0"})
    install, check, serve, look, every_day = readme_commands(repository)
    assert install[-1] == "pip install -r requirements.txt"
    assert in_a_shell(check[0], repository, environ).code == 0

    assert serve == ["messagefoundry serve --config config"]
    with serving(repository, "--config", "config", environ=environ) as engine:
        banner = engine.until(READY)
        assert "wiring started" in banner
        assert str(repository / "environments" / "dev.toml") in banner
        assert f"127.0.0.1:{port}" in banner
        assert "synchronous=full" in banner

        send, listing, status, folder = (
            in_a_shell(line.replace(str(CONFIGURED), str(port)), repository, environ) for line in look
        )
        assert send.code == 0, send.out + send.err
        assert "1 message sent, 1 accepted" in send.out
        assert re.search(r"IB_EXAMPLE_ADT +ADT\^A01\^ADT_A01 +EXAMPLE0001 +(PROCESSED|ROUTED)", listing.out)
        assert status.out.startswith("engine running; SQLite ")
        assert folder.out == "EXAMPLE0001.hl7\n"

        for line in every_day:
            ran = in_a_shell(line, repository, environ)
            assert ran.code == 0, f"{line}\n{ran.out}{ran.err}"

        assert engine.stop(signal.SIGTERM) == 0
    assert engine.text.splitlines()[-1].endswith("messagefoundry: stopped")


@pytest.fixture
def ports(repository: Path) -> dict[str, str]:
    return {"MEFOR_VALUE_EXAMPLE_ADT_PORT": str(free_port())}


def test_a_second_engine_on_the_store_is_refused_by_name(repository: Path, ports: dict[str, str]) -> None:
    with serving(repository, environ=ports) as engine:
        engine.until(READY)
        second = program("serve", "--port", "0", cwd=repository, environ=ports)
        assert second.code == 2
        assert f"pid {engine.process.pid}, started " in second.err
        assert "Traceback" not in second.err
        assert engine.stop(signal.SIGINT) == 0


def test_it_is_ready_soon(repository: Path, ports: dict[str, str]) -> None:
    """The clock's bar is 1.5 s; here the processor's time is measured, for the machine may be busy with others."""
    with serving(repository, environ=ports) as engine:
        engine.until(READY)
        user, system = map(int, Path(f"/proc/{engine.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        assert (user + system) / 100 < 1.5


def test_a_reload_by_signal_is_checked_whole_first(repository: Path, ports: dict[str, str]) -> None:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    good = feed.read_text()
    with serving(repository, environ=ports) as engine:
        engine.until(READY)
        feed.write_text(good + 'inbound("IB_X", MLLP(port=1), router="nobody")\n')
        engine.process.send_signal(signal.SIGHUP)
        text = engine.until("nothing has changed")
        engine.until("IB_X")
        assert "nobody" in engine.until("nobody")
        assert "Traceback" not in text

        feed.write_text(good + 'outbound("OB_MORE", File(directory="more"))\n')
        engine.process.send_signal(signal.SIGHUP)
        engine.until("the configuration was loaded again; added: OB_MORE")
        assert engine.stop() == 0


def test_json_logs_are_json_lines_the_banner_too(repository: Path, ports: dict[str, str]) -> None:
    with serving(repository, environ={**ports, "MEFOR_LOGGING_FORMAT": "json"}) as engine:
        engine.until("wiring started")
        assert engine.stop() == 0
    lines = [json.loads(line) for line in engine.text.splitlines()]
    (banner,) = [line for line in lines if line["text"] == "wiring started"]
    assert banner["environment"] == "dev (synthetic data)"
    assert set(banner["connections"]) == {"IB_EXAMPLE_ADT", "OB_EXAMPLE_FILE"}
    assert re.search(r"[+-]\d\d:\d\d$", banner["time"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--service-config", "none.toml"], "none.toml"),
        (["--config", "nowhere"], "does not exist"),
        (["--env", "elsewhere"], "data_class"),
        (["--host", "0.0.0.0"], "can be reached from the network"),
        (["--env", "prod", "--log-level", "debug"], "production (prod) does not run at debug"),
        (["--log-level", "loud"], "[logging] level"),
        (["--db", "no/such/folder/x.db"], "does not exist"),
        (["--prot", "1"], "--port"),
    ],
)
def test_what_keeps_it_from_starting_is_a_sentence(
    repository: Path, command: Command, options: list[str], sentence: str
) -> None:
    ran = command("serve", *options)
    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err


def test_an_environment_must_be_chosen(repository: Path, command: Command) -> None:
    (repository / "messagefoundry.toml").write_text("")
    ran = command("serve")
    assert ran.code == 2
    assert "start with --env dev" in ran.err


def test_all_that_keeps_it_from_starting_is_said_at_once(repository: Path, command: Command) -> None:
    (repository / "config" / "wrong.py").write_text(
        'from messagefoundry import MLLP, inbound\ninbound("IB_X", MLLP(port="x"), router="nobody")\n'
    )
    ran = command("serve", "--host", "0.0.0.0")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 3


def test_a_busy_port_fails_that_connection_alone(repository: Path, ports: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(ports["MEFOR_VALUE_EXAMPLE_ADT_PORT"]))):
        with serving(repository, environ=ports) as engine:
            text = engine.until(READY)
            assert re.search(r"IB_EXAMPLE_ADT +inbound .* waiting to restart: .*in use", text)
            assert engine.stop() == 0


def test_a_second_signal_ends_it_at_once(repository: Path, ports: dict[str, str]) -> None:
    """A partner that takes a message and never answers keeps a send in flight for its timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        feed = repository / "config" / "IB_EXAMPLE_ADT.py"
        there = f'outbound("OB_SILENT", MLLP(host="127.0.0.1", port={silent.getsockname()[1]}))\n'
        text = feed.read_text().replace('Send("OB_EXAMPLE_FILE", msg)', 'Send("OB_SILENT", msg)')
        feed.write_text(text.replace('outbound("OB_EXAMPLE_FILE"', f'{there}outbound("OB_EXAMPLE_FILE"'))
        with serving(repository, environ=ports) as engine:
            engine.until(READY)
            port = ports["MEFOR_VALUE_EXAMPLE_ADT_PORT"]
            assert program("send", f"127.0.0.1:{port}", "messages/sets/example_adt.hl7", cwd=repository).code == 0
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(1)
                engine.process.send_signal(signal.SIGTERM)
                engine.until("stopping")
                assert engine.stop(signal.SIGTERM) == 130
    assert "Traceback" not in engine.text


def test_one_more_ctrl_c_at_the_very_end_is_no_death_by_signal(repository: Path, ports: dict[str, str]) -> None:
    with serving(repository, environ=ports) as engine:
        engine.until(READY)
        engine.process.send_signal(signal.SIGINT)
        engine.until("stopped")
        while ends_within(engine.process, A_QUICK_FINGER) is None:
            engine.process.send_signal(signal.SIGINT)
        assert engine.process.stdout is not None
        rest = engine.process.stdout.read()
    assert (engine.process.returncode, rest) in ((0, ""), (130, ""))


A_QUICK_FINGER = 0.002
"""Seconds between two signals. With no pause at all, Python's handlers interrupt each other to any depth."""


def ends_within(process: subprocess.Popen[str], seconds: float) -> int | None:
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def test_handlers_see_the_active_environment(repository: Path, ports: dict[str, str]) -> None:
    feed = repository / "config" / "IB_EXAMPLE_ADT.py"
    text = feed.read_text().replace("import MLLP,", "import current_environment, MLLP,")
    feed.write_text(text.replace('msg["MSH-5"] = "ARCHIVE"', 'msg["MSH-5"] = current_environment()'))
    with serving(repository, "--env", "staging", environ=ports) as engine:
        engine.until(READY)
        port = ports["MEFOR_VALUE_EXAMPLE_ADT_PORT"]
        assert program("send", f"127.0.0.1:{port}", "messages/sets/example_adt.hl7", cwd=repository).code == 0
        assert engine.stop() == 0
    assert b"|staging|HUB|" in (repository / "out" / "EXAMPLE0001.hl7").read_bytes()
