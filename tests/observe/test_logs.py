from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messagefoundry.contracts.errors import Unreachable
from messagefoundry.observe.logs import LONGEST, scrubbed, set_up

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("messagefoundry.tests")


@contextmanager
def logged(form: str, level: str = "info") -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, at = root.handlers[:], root.level
    hooks = warnings.showwarning, threading.excepthook, sys.unraisablehook
    stream = io.StringIO()
    set_up(level, form, stream)
    try:
        yield stream
    finally:
        root.handlers[:] = before
        root.setLevel(at)
        warnings.showwarning, threading.excepthook, sys.unraisablehook = hooks
        logging.raiseExceptions = True


@pytest.mark.parametrize("form", ["text", "json"])
def test_times_carry_the_utc_offset(form: str) -> None:
    with logged(form) as stream:
        log.info("hello %s", "world")
    assert re.search(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", stream.getvalue())
    assert "hello world" in stream.getvalue()


@given(st.text())
def test_one_record_is_one_line_whatever_is_in_it(text: str) -> None:
    for form in ("text", "json"):
        with logged(form) as stream:
            log.info("%s", text)
        assert len(stream.getvalue().splitlines()) == 1


def test_control_characters_do_not_reach_the_log() -> None:
    assert scrubbed("a\x1b[31m\u202eb\r\nc") == "a?[31m?b  c"
    assert len(scrubbed("x" * 10_000)) < LONGEST + 20


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_shows_its_place_and_not_its_text(form: str) -> None:
    with logged(form) as stream:
        try:
            raise ValueError("PID|1||SECRET")
        except ValueError:
            log.exception("it failed")
        try:
            raise Unreachable("partner is away")
        except Unreachable:
            log.exception("it failed")
    assert "SECRET" not in stream.getvalue()
    assert "ValueError at test_logs.py:" in stream.getvalue()
    assert "partner is away" in stream.getvalue()


def test_json_lines_have_the_facts_of_a_record() -> None:
    with logged("json") as stream:
        log.warning("wiring started", extra={"facts": {"environment": "dev"}})
    line = json.loads(stream.getvalue())
    assert (line["level"], line["text"], line["environment"]) == ("warning", "wiring started", "dev")


def test_the_level_is_kept_and_libraries_are_quiet() -> None:
    with logged("text", "warning") as stream:
        log.info("not this")
        logging.getLogger("hypercorn.error").info("nor this")
        log.warning("this")
    assert "this" in stream.getvalue()
    assert "not this" not in stream.getvalue()
    assert "nor this" not in stream.getvalue()


def test_warnings_and_lost_errors_are_logged_without_their_text() -> None:
    program = """
import sys, threading, warnings
from messagefoundry.observe.logs import set_up

class Lost:
    def __del__(self):
        raise ValueError("DOE^JANE")

set_up("info", "text")
warnings.warn("DOE^JANE", UserWarning)
thread = threading.Thread(target=lambda: {}["DOE^JANE"])
thread.start()
thread.join()
lost = Lost()
del lost
"""
    done = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True)
    assert "UserWarning at <string>:" in done.stdout
    assert "KeyError at <string>:" in done.stdout
    assert "ValueError at <string>:" in done.stdout
    assert "DOE" not in done.stdout + done.stderr
