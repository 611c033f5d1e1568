"""CPU time and memory of a process with its children, and of the machine, from /proc; None where there is no /proc."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Usage(NamedTuple):
    """What a family of processes has used so far, and holds now."""

    cpu_seconds: float
    rss_bytes: int


class _Stat(NamedTuple):
    parent: int
    cpu_ticks: int
    rss_pages: int


def usage_of(root: int) -> Usage | None:
    """Return what a process, its living descendants and the children they have waited for use together."""
    stats = dict(_all_stats())
    if root not in stats:
        return None
    family = [stats[pid] for pid in _family(root, stats)]
    ticks, pages = sum(stat.cpu_ticks for stat in family), sum(stat.rss_pages for stat in family)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def machine_busy_seconds() -> float | None:
    """Return the CPU seconds of the whole machine since its start, without idle, waiting and niced work."""
    try:
        with (_PROC / "stat").open() as file:
            user, _nice, system, _idle, _iowait, *interrupts_and_steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + system + sum(interrupts_and_steal)) / os.sysconf("SC_CLK_TCK")


def file_system_of(directory: Path) -> str | None:
    """Return the type of the file system that holds a directory, such as ext4 or tmpfs."""
    try:
        mounts = [line.split()[1:3] for line in (_PROC / "mounts").read_text().splitlines()]
    except OSError:
        return None
    holding = [(point, kind) for point, kind in mounts if directory.resolve().is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else None


def _family(root: int, stats: dict[int, _Stat]) -> set[int]:
    family: set[int] = set()
    fresh = {root}
    while fresh:
        family |= fresh
        fresh = {pid for pid, stat in stats.items() if stat.parent in fresh} - family
    return family


def _all_stats() -> Iterator[tuple[int, _Stat]]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(entry)):
            yield int(entry.name), stat


def _stat(entry: Path) -> _Stat | None:
    """Read proc_pid_stat(5); fields are counted after the command's name, which may hold anything."""
    try:
        fields = (entry / "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    return _Stat(int(fields[1]), sum(map(int, fields[11:15])), int(fields[21])) if len(fields) > 21 else None
