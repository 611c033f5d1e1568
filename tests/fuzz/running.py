"""Running properties for a time: fresh examples each round, a live line, and for each finding its least example."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.errors import UnsatisfiedAssumption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).parent
ROUND = 500
"""Examples of one round; the next one begins with another seed."""
SHOW_SECONDS = 0.5
WIDTH = 88


@dataclass
class Property:
    """A test with `@given` that needs nothing of pytest."""

    module: str
    function: Callable[[], None]
    found: BaseException | None = None
    examples: int = 0
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.module}::{self.function.__name__}"

    def run(self, seconds: float, show: Callable[[Property, float], None]) -> float:
        """Give it examples for a time, or until one is found that does not hold; how long that took.

        A finding is made as small as it can be, however long that takes.
        """
        started = shown = time.monotonic()
        handle: Any = self.function.hypothesis  # type: ignore[attr-defined]
        inner, failing = handle.inner_test, False

        def counted(**arguments: Any) -> None:
            nonlocal shown, failing
            now = time.monotonic()
            if not failing and now - started > seconds:
                raise SkipTest("the time is over")  # hypothesis lets it through at once
            if now - shown > SHOW_SECONDS:
                shown = now
                show(self, now - started)
            self.examples += 1
            self.last = arguments
            try:
                inner(**arguments)
            except UnsatisfiedAssumption:
                raise
            except Exception:
                failing = True
                raise

        handle.inner_test = counted
        try:
            while True:
                self.function()
        except SkipTest:
            return time.monotonic() - started
        except Exception as error:  # noqa: BLE001 - whatever a property raises is what was looked for
            self.found = error
            return time.monotonic() - started
        finally:
            handle.inner_test = inner

    def report(self) -> str:
        """What was found: the error, the least example, and the line that keeps it as a test."""
        assert self.found is not None
        last = traceback.extract_tb(self.found.__traceback__)[-1]
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.last.items())
        error = traceback.format_exception_only(self.found)[0].strip()
        return "\n".join(
            (
                f"{self.name} does not hold:",
                f"  {error}",
                f"  at {last.filename}:{last.lineno}",
                f"keep it in {HERE.name}/{self.module}.py, above the property:",
                f"  @example({arguments})",
            )
        )


def properties(words: Sequence[str]) -> Iterator[Property]:
    """The properties of this folder whose name has one of the words, or all."""
    for file in sorted(HERE.glob("test_*.py")):
        module = import_module(f"tests.fuzz.{file.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_") and getattr(value, "is_hypothesis_test", False):
                found = Property(file.stem, value)
                if not words or any(word in found.name for word in words):
                    yield found


def fuzz(seconds: float, words: Sequence[str] = ()) -> int:
    """Look for `seconds`; 1 when something was found, 2 when there is nothing to look at."""
    # Before the properties are imported: a property has the settings that it is made with.
    settings.register_profile(
        "fuzz",
        max_examples=ROUND,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("fuzz")
    chosen = list(properties(words))
    if not chosen:
        print(f"no property has {' or '.join(map(repr, words))} in its name")
        return 2
    for each in chosen:
        spent = each.run(seconds / len(chosen), _live)
        print(_line(each, spent), flush=True)
        if each.found is not None:
            print(f"\n{each.report()}\n", flush=True)
    findings = sum(each.found is not None for each in chosen)
    print(f"\n{sum(each.examples for each in chosen)} examples of {len(chosen)} properties, {findings} found")
    return 1 if findings else 0


def _live(each: Property, spent: float) -> None:
    if sys.stdout.isatty():
        print(_line(each, spent), end="\r", flush=True)


def _line(each: Property, spent: float) -> str:
    rate = each.examples / spent if spent else 0
    return f"{each.name[:WIDTH]:<{WIDTH}} {rate:8.0f}/s {each.examples:8} {'FOUND' if each.found else 'none':>6}"
