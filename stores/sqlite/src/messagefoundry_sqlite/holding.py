"""One engine for one store: an operating-system lock beside the database, which dies with the process."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from messagefoundry.contracts.errors import ConfigurationError, EngineRunning, Problem

if TYPE_CHECKING:
    from pathlib import Path


class SqliteHold:
    """The lock, held. `path.lock` is locked; `path.engine` says, for people, who holds it."""

    def __init__(self, database: Path) -> None:
        self._card = database.with_name(database.name + ".engine")
        self._lock = FileLock(
            database.with_name(database.name + ".lock"),
            mode=0o600,
            timeout=0,
            thread_local=False,
            fallback_to_soft=False,
        )
        try:
            self._lock.acquire()
        except Timeout:
            raise EngineRunning(_who(database, self._card)) from None
        except OSError as error:
            raise ConfigurationError([Problem(f"the store {database} cannot be locked: {error.strerror}")]) from error
        _write(self._card)

    def release(self) -> None:
        """Let another engine have the store."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._card.unlink()
            self._lock.release()


def _write(card: Path) -> None:
    """Replace the card in one step, so that whoever reads it sees a whole one."""
    started = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    draft = card.with_name(card.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "started": started}, file)
    os.replace(draft, card)


def _who(database: Path, card: Path) -> str:
    try:
        who = json.loads(card.read_text(encoding="utf-8"))
        holder = f"on host {who['host']}, pid {who['pid']}, started {who['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"another engine holds the store {database}"
    return f"another engine holds the store {database}: {holder}"
