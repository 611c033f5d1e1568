"""Strict validation from the outside: dryrun, doctor, serve and send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import free_port
from tests.cli.running import program, serving
from tests.generate.made import one

if TYPE_CHECKING:
    from pathlib import Path

GOOD = one("ADT^A01").raw
BAD = GOOD.replace(b"\rPV1|1|I", b"\rPV1|1|")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What `init` writes, its inbound strict, with a good and a bad message."""
    assert program("init", "interfaces", cwd=tmp_path).code == 0
    home = tmp_path / "interfaces"
    (module,) = (home / "config").glob("IB_*.py")
    text = module.read_text()
    assert text.count('router="example_adt")') == 1
    module.write_text(text.replace('router="example_adt")', 'router="example_adt", strict=True)'))
    (home / "good.hl7").write_bytes(GOOD)
    (home / "bad.hl7").write_bytes(BAD)
    return home


def test_a_dry_run_refuses_what_the_engine_would(home: Path) -> None:
    assert program("dryrun", "--config", "config", "good.hl7", cwd=home).code == 0
    ran = program("dryrun", "--config", "config", "bad.hl7", cwd=home)
    assert ran.code == 1
    assert "refused on receipt: PV1-2: a value is required" in ran.out


def test_a_sender_is_told_the_place_and_the_rule(home: Path) -> None:
    port = free_port()
    environ = {"MEFOR_VALUE_EXAMPLE_ADT_PORT": str(port)}
    with serving(home, environ=environ) as engine:
        engine.until("Ctrl-C stops the engine")
        good, bad = (
            json.loads(program("send", f"127.0.0.1:{port}", name, "--json", cwd=home).out.splitlines()[0])
            for name in ("good.hl7", "bad.hl7")
        )
        assert good["code"] == "AA"
        assert (bad["code"], bad["text"]) == ("AE", "101 A required field is missing")
        assert engine.stop() == 0


def test_the_doctor_knows_what_a_strict_inbound_needs(home: Path) -> None:
    ran = program("doctor", "--config", "config", cwd=home)
    assert "everything that config names is installed" in ran.out
