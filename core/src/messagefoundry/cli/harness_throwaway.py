"""A throwaway engine in a process of its own: started, awaited, and ended with the block."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from messagefoundry.cli.control import Control, NotAnswering
from messagefoundry.cli.failures import NotFine
from messagefoundry.cli.harness_engine import HERE, StandIns, embedded_store
from messagefoundry.cli.harness_trial import LOOK_AGAIN_SECONDS, Ground
from messagefoundry.cli.mllp_client import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from messagefoundry.cli.configured import Call

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
LAST_LINES = 12


@asynccontextmanager
async def throwaway(call: Call, ports: StandIns, folder: Path) -> AsyncIterator[Ground]:
    """Run the configuration of `call` with stand-ins, its store in `folder`.

    Raises NotFine when it does not start, or ends before the block does.
    """
    store = folder / "scenario.db"
    factory, location = embedded_store(store)
    log = folder / "engine.log"
    process = _started(call, ports, store, log)
    try:
        control = Control(factory.control_path(location))
        await _ready(process, control, ports.inbounds.keys(), log)
        yield Ground(control, {name: Target(HERE, port) for name, port in ports.inbounds.items()})
    except Exception as error:
        with trio.CancelScope(shield=True):
            ended = await trio.to_thread.run_sync(_ends, process)
        if ended:
            raise _ended(process, log) from error
        raise
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(_stop, process)


def _started(call: Call, ports: StandIns, store: Path, log: Path) -> subprocess.Popen[bytes]:
    told = {name: str(value) for name, value in asdict(call).items() if value not in (None, False)}
    order = {"call": told, "inbounds": dict(ports.inbounds), "outbounds": dict(ports.outbounds), "store": str(store)}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "messagefoundry.cli.harness_engine", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


async def _ready(process: subprocess.Popen[bytes], control: Control, inbounds: Collection[str], log: Path) -> None:
    """Wait until all inbounds run."""
    waiting: list[str] = list(inbounds)
    with trio.move_on_after(READY_SECONDS):
        while process.poll() is None:
            waiting = await trio.to_thread.run_sync(partial(_not_running, control, inbounds), abandon_on_cancel=True)
            if not waiting:
                return
            await trio.sleep(LOOK_AGAIN_SECONDS)
    if process.poll() is None:
        raise NotFine(f"{', '.join(waiting)} did not start within {READY_SECONDS:g} s:\n{_end_of(log)}")
    raise _ended(process, log)


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, or does so within a second: its sockets go before it does."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _ended(process: subprocess.Popen[bytes], log: Path) -> NotFine:
    return NotFine(f"the throwaway engine ended with code {process.returncode}:\n{_end_of(log)}")


def _not_running(control: Control, inbounds: Collection[str]) -> list[str]:
    try:
        found: list[dict[str, Any]] = control.get("/connections")["connections"]
    except NotAnswering:
        return list(inbounds)
    running = {each["name"] for each in found if each["state"] == "running"}
    return [name for name in inbounds if name not in running]


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]) or "(it printed nothing)"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
