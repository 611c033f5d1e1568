"""Looking at a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from messagefoundry_file.scan import Found, Look, Wanted, Watch

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_000_000_000.0


def watch(folder: Path, wanted: Wanted, *, now: float = NOW, window: int = 100) -> Watch:
    return Watch(str(folder), wanted, lambda: now, lambda found: False, window)


def put(folder: Path, name: str, *, age: float = 1000, content: bytes = b"x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (NOW - age, NOW - age))
    return path


def names(watched: Watch) -> list[str]:
    return [found.name for found in watched.ready()]


def test_a_file_is_ready_when_it_looks_the_same_twice(tmp_path: Path) -> None:
    watched = watch(tmp_path, Wanted("*.hl7"))
    half = put(tmp_path, "a.hl7")
    assert names(watched) == []
    half.write_bytes(b"xy")
    assert names(watched) == []
    os.utime(half, (NOW - 999, NOW - 999))
    assert names(watched) == []
    assert names(watched) == ["a.hl7"]


def test_min_age_is_of_the_last_change(tmp_path: Path) -> None:
    put(tmp_path, "old.hl7", age=30)
    put(tmp_path, "young.hl7", age=29)
    put(tmp_path, "clock-a-little-ahead.hl7", age=-5)
    put(tmp_path, "clock-far-ahead.hl7", age=-500)
    watched = watch(tmp_path, Wanted("*.hl7", min_age_seconds=30))
    watched.ready()
    assert names(watched) == ["clock-far-ahead.hl7", "old.hl7"]


def test_an_empty_file_is_given_time(tmp_path: Path) -> None:
    put(tmp_path, "empty.hl7", age=59, content=b"")
    put(tmp_path, "stays-empty.hl7", age=60, content=b"")
    watched = watch(tmp_path, Wanted("*.hl7"))
    watched.ready()
    assert names(watched) == ["stays-empty.hl7"]


def test_order_by_name_and_by_time(tmp_path: Path) -> None:
    for name, age in (("b.hl7", 10), ("a.hl7", 20), ("c.hl7", 30)):
        put(tmp_path, name, age=age)
    for wanted, expected in ((Wanted("*"), "abc"), (Wanted("*", sort="mtime"), "cab")):
        watched = watch(tmp_path, wanted)
        watched.ready()
        assert names(watched) == [f"{letter}.hl7" for letter in expected]


def test_hidden_files_need_a_pattern_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, ".a.hl7")
    put(tmp_path, "b.hl7")
    put(tmp_path, "c.txt")
    for pattern, expected in (
        ("*.hl7", ["b.hl7"]),
        ("*", ["b.hl7", "c.txt"]),
        (".*", [".a.hl7"]),
        ("[bc].*", ["b.hl7", "c.txt"]),
    ):
        watched = watch(tmp_path, Wanted(pattern))
        watched.ready()
        assert names(watched) == expected


def test_subfolders_only_when_asked_and_never_those_that_are_done_with(tmp_path: Path) -> None:
    for name in ("a.hl7", "sub/deep/b.hl7", ".hidden/c.hl7", "done/d.hl7", "sub/done/e.hl7"):
        put(tmp_path, name)
    flat, deep = (
        watch(tmp_path, Wanted("*.hl7", recursive, passed_over=frozenset({"done"}))) for recursive in (False, True)
    )
    flat.ready()
    deep.ready()
    assert names(flat) == ["a.hl7"]
    assert names(deep) == ["a.hl7", "sub/deep/b.hl7", "sub/done/e.hl7"]


def test_links_pipes_and_folders_are_no_messages(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, "secret.hl7")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.hl7").symlink_to(outside / "secret.hl7")
    (folder / "linked").symlink_to(outside)
    (folder / "folder.hl7").mkdir()
    os.mkfifo(folder / "pipe.hl7")
    watched = watch(folder, Wanted("*", recursive=True))
    watched.ready()
    assert names(watched) == []


def test_memory_is_bounded_and_the_order_kept(tmp_path: Path) -> None:
    for number in range(7):
        put(tmp_path, f"{number}.hl7")
    watched = watch(tmp_path, Wanted("*.hl7"), window=3)
    seen: list[str] = []
    while len(seen) < 7:
        for found in watched.ready():
            seen.append(found.name)
            (tmp_path / found.name).unlink()
        assert len(watched._seen) <= 3
    assert seen == [f"{number}.hl7" for number in range(7)]


def test_what_is_known_takes_no_room(tmp_path: Path) -> None:
    for name in ("a.hl7", "b.hl7"):
        put(tmp_path, name)
    watched = Watch(str(tmp_path), Wanted("*"), lambda: NOW, lambda found: found.name == "a.hl7", window=1)
    watched.ready()
    assert names(watched) == ["b.hl7"]


def test_a_found_file_tells_how_it_looked(tmp_path: Path) -> None:
    put(tmp_path, "a.hl7", content=b"four")
    watched = watch(tmp_path, Wanted("*"))
    watched.ready()
    assert watched.ready() == [Found("a.hl7", Look(4, int((NOW - 1000) * 1e9)))]
