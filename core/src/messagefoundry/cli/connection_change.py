"""A change to connections.toml: made in memory, judged as `validate` would, then written whole or not at all."""

from __future__ import annotations

import difflib
import fcntl
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from messagefoundry.cli.failures import WrongCall, say
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.nearest import nearest
from messagefoundry.wiring.connections_file import FILE, KINDS, Kind, Written, read_written
from messagefoundry.wiring.loader import load_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from messagefoundry.cli.configured import Configured

NEW_MODE = 0o644
"""Of a file that was not there: one that others may write is refused."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a command makes of the file."""

    action: Literal["added", "changed", "removed", "unchanged"]
    kind: Kind
    name: str
    file: Path
    before: Written
    after: str

    def diff(self) -> str:
        """What differs, in the unified format."""
        before, after = self.before.text.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, str(self.file), str(self.file)))

    def as_json(self, *, dry_run: bool) -> dict[str, Any]:
        """The change for programs."""
        return {
            "action": self.action,
            "direction": self.kind,
            "name": self.name,
            "file": str(self.file),
            "written": not dry_run and self.action != "unchanged",
            "diff": self.diff(),
        }


def upsert(configured: Configured, kind: Kind, name: str, patch: Mapping[str, Any]) -> Change:
    """Add a Connection or change the one of this name. Raises WrongCall for one declared otherwise."""
    from messagefoundry.wiring import connections_edit

    written = read_written(configured.directory / FILE)
    held = directions(written, name)
    if held and kind not in held:
        raise WrongCall(f"{name} is an {held[0]} in {FILE}: remove it first, or give the new one another name")
    if not held:
        refuse_elsewhere(configured, name)
    after = connections_edit.upserted(written, kind, name, patch)
    if not is_text(after):
        raise WrongCall("a value has characters that no text can have")
    action: Literal["added", "changed", "unchanged"] = "changed" if held else "added"
    return Change("unchanged" if after == written.text else action, kind, name, Path(written.file), written, after)


def refuse_elsewhere(configured: Configured, name: str) -> None:
    """Raise WrongCall for a Connection that a module declares."""
    for declared in load_modules(configured.directory).connections:
        if declared.name == name and declared.entry is None:
            raise WrongCall(f"{name} is declared at {declared.place}, not in {FILE}: change it there")


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: half a surrogate pair cannot."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def remove(configured: Configured, name: str) -> Change:
    """Take a Connection out of the file. Raises WrongCall for one that is not in it."""
    from messagefoundry.wiring import connections_edit

    written = read_written(configured.directory / FILE)
    held = directions(written, name)
    if not held:
        like = nearest(name, [str(table.get("name")) for _, _, table in written.entries()])
        mend = f"did you mean {like!r}?" if like else "messagefoundry connection list says where each is declared"
        raise WrongCall(f"there is no Connection {name!r} in {written.file}: {mend}")
    after = connections_edit.removed(written, held[0], name)
    return Change("removed", held[0], name, Path(written.file), written, after)


def directions(written: Written, name: str) -> list[Kind]:
    """The directions in which the file declares a name; a valid file has it once."""
    return [
        kind for kind in KINDS if any((each, table.get("name")) == (kind, name) for each, _, table in written.entries())
    ]


def judge(configured: Configured, change: Change) -> None:
    """Load the whole configuration with the change. Raises ConfigurationError, the file being as it was."""
    try:
        configured.graph(change.after)
    except ConfigurationError:
        say(f"nothing is written: with this change {change.file} would be refused, by its lines as they would be:")
        raise


def write(change: Change) -> None:
    """Replace the file at once and durably, keeping its mode and owner. Raises WrongCall when it changed meanwhile."""
    file = change.file.resolve()
    with _held(file.parent) as folder:
        if read_written(file).text != change.before.text:
            raise WrongCall(f"{change.file} was changed by somebody else just now: try again")
        handle, draft = tempfile.mkstemp(prefix=f".{FILE}.", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as temporary:
                _like(file, temporary.fileno())
                temporary.write(change.after.encode())
                temporary.flush()
                os.fsync(temporary.fileno())
            os.replace(draft, file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        os.fsync(folder)


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """The folder, open; another of these commands waits."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _like(file: Path, descriptor: int) -> None:
    """Give a new file the mode and the owner of the one that it replaces."""
    try:
        status = file.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, NEW_MODE)
        return
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, status.st_uid, status.st_gid)
        except PermissionError:
            raise WrongCall(f"{file} belongs to another user: change it as that one") from None
    os.fchmod(descriptor, status.st_mode & 0o7777)
