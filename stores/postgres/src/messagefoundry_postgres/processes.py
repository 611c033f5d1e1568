"""Whether a process of this machine still runs, told from another that got its number."""

from __future__ import annotations

import os
from pathlib import Path


def this_machine() -> str:
    """What processes have in common that can see each other: boot and process namespace; "" where nobody can tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def birth_of(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" when it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def is_gone(machine: str, pid: int, birth: str) -> bool:
    """Whether a process certainly runs no more: only one of this machine can be known to be gone."""
    return bool(machine) and machine == this_machine() and birth_of(pid) != birth
