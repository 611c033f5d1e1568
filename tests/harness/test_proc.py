import os
import subprocess
import sys
from pathlib import Path

import pytest

from messagefoundry.harness.meter import Meter
from messagefoundry.harness.proc import file_system_of, machine_busy_seconds, usage_of
from messagefoundry.harness.stores import Store

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")

_PARENT = """
import subprocess, sys
child = "held = bytearray(60_000_000); print(len(held), flush=True); input()"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
print(process.stdout.readline(), end="", flush=True)
process.wait()
"""


def test_a_child_is_counted_with_its_parent() -> None:
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "60000000\n"
        usage = usage_of(process.pid)
        process.communicate("\n")
    assert usage is not None
    assert usage.rss_bytes > 60_000_000


def test_a_process_that_is_not_there_has_no_usage() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert usage_of(process.pid) is None


def test_a_meter_reads_the_cpu_spent_between() -> None:
    with Meter(os.getpid(), lambda *_: None) as meter:
        before = os.times()
        while (now := os.times()).user + now.system - before.user - before.system < 0.1:
            pass
    reading = meter.reading(0.0)
    assert reading.cpu_seconds is not None
    assert 0.05 <= reading.cpu_seconds < 1.0
    assert reading.peak_rss_bytes
    assert reading.other_cores is not None


def test_the_time_of_a_database_server_is_told_apart_and_is_no_noise() -> None:
    idle = [sys.executable, "-c", "input()"]
    busy = [sys.executable, "-c", "import time\ninput()\nwhile time.process_time() < 0.5: pass\nprint('done')\ninput()"]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(idle, stdin=pipe) as subject,
        subprocess.Popen(busy, stdin=pipe, stdout=pipe) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        with Meter(subject.pid) as without, Meter(subject.pid, store=Store(server=server.pid)) as meter:
            server.stdin.write(b"\n")
            server.stdin.flush()
            assert server.stdout.readline() == b"done\n"
        for process in (subject, server):
            process.communicate(b"\n")
    more = -10.0  # seconds, for niced work is no noise: this lifts both readings above nothing
    noise, told = without.reading(more), meter.reading(more)
    assert noise.server_cpu_seconds is None
    assert told.server_cpu_seconds == pytest.approx(0.5, abs=0.2)
    assert noise.other_cores is not None
    assert told.other_cores is not None
    assert noise.other_cores > told.other_cores


def test_the_machine_has_worked_and_the_root_has_a_file_system() -> None:
    assert machine_busy_seconds()
    assert file_system_of(Path("/proc/self")) == "proc"
