"""What ends a command early, as a sentence on standard error and an exit code.

0  nothing was wrong
1  what was checked is not fine; the engine, the store or a partner failed
2  the call or the configuration is wrong
130  Ctrl-C
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

import click

from messagefoundry.contracts.errors import ConfigurationError, EngineRunning, MessageFoundryError, fault_site

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBUG_VARIABLE = "MEFOR_DEBUG"
REPORT = "this is a fault of messagefoundry: please report it with this line, and never with patient data"
INTERRUPTED = 130

_SAFE_TEXTS = (MessageFoundryError, OSError, ImportError, NameError, AttributeError, TypeError)
"""Errors whose own text cannot quote a message."""


FAILURES = (Exception, BaseExceptionGroup, KeyboardInterrupt, SystemExit)
"""All that can end a command, groups of trio among them."""


class WrongCall(MessageFoundryError):
    """The command cannot do what it was asked to; exit code 2."""


class NotFine(MessageFoundryError):
    """What was asked about is not as it should be; exit code 1."""


def finish(code: int) -> NoReturn:
    """End the command with an exit code, its output being complete."""
    raise click.exceptions.Exit(code)


def outcome_of(error: BaseException, *, debug: bool = False) -> int:
    """Say what went wrong and give the exit code."""
    error = only_leaf(error)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt | click.Abort | EOFError):
        say("stopped")
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _reader_left()
    if debug or os.environ.get(DEBUG_VARIABLE):
        say("".join(shown_traceback(error)).rstrip())
    return _told(error)


def _told(error: BaseException) -> int:
    if isinstance(error, ConfigurationError):
        say_problems(error)
        return 2
    if isinstance(error, MessageFoundryError):
        say(f"Error: {error}")
        return 2 if isinstance(error, WrongCall | EngineRunning) else 1
    if isinstance(error, OSError) and error.strerror:
        say(f"Error: {error.filename}: {error.strerror}" if error.filename else f"Error: {error.strerror}")
        return 1
    say(f"Error: unexpected {fault_site(error)}: {REPORT} (--debug shows where)")
    return 1


def say_problems(error: ConfigurationError) -> None:
    """Every problem of a configuration on a line of its own."""
    for problem in error.problems:
        say(f"Error: {problem}")


def say(text: str) -> None:
    """One line, or several, on standard error."""
    click.echo(text, err=True)


def only_leaf(error: BaseException) -> BaseException:
    """What a group of errors is about: a Ctrl-C among them, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, KeyboardInterrupt)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def shown_traceback(error: BaseException) -> Iterator[str]:
    """The frames of an error and its causes. The text of an error is left out where it might quote a message."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from shown_traceback(cause)
        yield "\nthen:\n\n"
    yield from traceback.format_tb(error.__traceback__)
    yield type(error).__name__
    yield f": {error}\n" if isinstance(error, _SAFE_TEXTS) else "\n"


def _reader_left() -> int:
    """Whoever read our output has had enough, as `head` has; nothing more may be written, at exit neither."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return 0
