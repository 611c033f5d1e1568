"""The log: one record a line, text or JSON, with the time and its UTC offset. No record carries a message's body."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from messagefoundry.contracts.errors import MessageFoundryError, fault_site

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

LONGEST = 4000
"""Characters of a record's text; what is longer is cut, and says so."""

QUIET = ("hypercorn", "httpx", "httpcore", "alembic", "quart")
"""Loggers of libraries, heard from WARNING on."""


def set_up(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send the log of this process to `stream`, standard output by default; `form` is "text" or "json"."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    warnings.showwarning = show_warning
    threading.excepthook = lambda lost: log.error("an error in a thread of its own: %s", fault_site_of(lost.exc_value))
    sys.unraisablehook = lambda lost: log.error("an error that nobody can catch: %s", fault_site_of(lost.exc_value))
    logging.raiseExceptions = False


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log a warning's kind and place; its text may be an author's and quote a message."""
    log.warning("%s at %s:%d", category.__name__, os.path.basename(filename), lineno)


def fault_site_of(error: BaseException | None) -> str:
    """Class and place of an error, without its text."""
    return fault_site(error) if error is not None else "unknown"


def scrubbed(text: str) -> str:
    """`text` without control or format characters, so that nobody forges a line or drives a terminal."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "?" if each not in "\r\n\t" else " " for each in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} (cut)"


def moment(record: logging.LogRecord) -> str:
    """When a record was made, to the millisecond, with the UTC offset."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "milliseconds")


def fault(record: logging.LogRecord) -> str:
    """The error of a record in a few words; the text of an error is shown only where it cannot quote a message."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return ""
    return str(error) if isinstance(error, MessageFoundryError | OSError) else fault_site(error)


class TextLines(logging.Formatter):
    """`2026-11-22 03:15:02.123+00:00 INFO  pipeline.lane: text`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        name = record.name.removeprefix("messagefoundry.")
        error = fault(record)
        text = f"{record.getMessage()}: {error}" if error else record.getMessage()
        return f"{moment(record)} {record.levelname:<8} {name}: {scrubbed(text)}"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, text, error; and what a record has in `facts`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts: Mapping[str, object] = getattr(record, "facts", {})
        line: dict[str, object] = {
            "time": moment(record).replace(" ", "T"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": scrubbed(record.getMessage()),
        }
        error = fault(record)
        if error:
            line["error"] = scrubbed(error)
        return json.dumps({**line, **facts}, ensure_ascii=False, default=str)
