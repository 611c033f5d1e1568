"""Reading a running engine's HTTP pages."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TIMEOUT_SECONDS = 5.0
_MOST = 1000
"""messages a page"""

BURNING_INBOUND = "IB_BURN"


def page_of(host: str, port: int, path: str) -> Mapping[str, Any] | None:
    """Return what GET says; None when nobody answers, or otherwise than with a JSON object."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return read_json(response.read()) if response.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def read_json(text: bytes) -> Mapping[str, Any] | None:
    """Return a JSON object; None when it is something else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Counts:
    """What an engine says of itself: totals of its store, and what waits now."""

    read: int
    """messages received, refused ones among them"""
    processed: int
    """messages of which every delivery is done"""
    dead_letters: int
    waiting: int
    """pieces of work in all stages"""


@dataclass(frozen=True, slots=True)
class EnginePages:
    """The pages of one engine."""

    host: str
    port: int

    def counts(self, beside: str = "") -> Counts | None:
        """Return the counts, without what the inbound `beside` has read; None when no engine answers."""
        stats, dead, waiting = self._get("/stats"), self._get("/dead-letters?limit=1"), self.waiting()
        if stats is None or dead is None or waiting is None:
            return None
        dispositions = stats.get("messages")
        if not isinstance(dispositions, dict) or "count" not in dead:
            return None
        read = sum(dispositions.values()) - (self._read_by(beside) if beside else 0)
        return Counts(read, dispositions.get("PROCESSED", 0), dead["count"], waiting)

    def waiting(self) -> int | None:
        """Return how much work waits; None when no engine answers."""
        page = self._get("/connections")
        return sum(each["waiting"] for each in page["connections"]) if page and "connections" in page else None

    def _read_by(self, inbound: str) -> int:
        count, before = 0, 0
        while page := self._get(f"/messages?inbound={inbound}&limit={_MOST}" + (f"&before={before}" if before else "")):
            count += len(page["messages"])
            before = page["before"]
            if before is None:
                break
        return count

    def _get(self, path: str) -> Mapping[str, Any] | None:
        return page_of(self.host, self.port, path)
