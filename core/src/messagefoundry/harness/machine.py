"""What a measurement was made on; a field is empty where the system does not tell."""

import os
import platform
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .proc import file_system_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine and what runs on it."""

    date: str
    """UTC, to the day"""
    cpu: str
    cores: int
    memory_gb: float | None
    kernel: str
    file_system: str
    python: str
    sqlite: str
    trio: str
    load_average: float | None
    """of the last minute, before the first run"""
    server: str = ""
    """the database server and its settings; empty without one"""


def this_machine(directory: Path | None, server: str = "") -> Machine:
    """Return what is known; `directory` is where the stores are made, `server` describes a database server."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        cpu=_after_colon(Path("/proc/cpuinfo"), "model name"),
        cores=os.cpu_count() or 0,
        memory_gb=_memory_gb(),
        kernel=f"{platform.system()} {platform.release()}",
        file_system=file_system_of(directory or Path(tempfile.gettempdir())) or "",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        sqlite=sqlite3.sqlite_version,
        trio=_version_of("trio"),
        load_average=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        server=server,
    )


def _memory_gb() -> float | None:
    kilobytes = _after_colon(Path("/proc/meminfo"), "MemTotal").removesuffix("kB").strip()
    return round(int(kilobytes) / 1e6, 1) if kilobytes else None


def _after_colon(path: Path, name: str) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
