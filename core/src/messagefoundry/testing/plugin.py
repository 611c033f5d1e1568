"""The pytest plugin: sees that no clause is dropped silently, and tells in the summary what ran.

Loaded in every pytest run where messagefoundry-core is installed, so it imports nothing but pytest and acts only on
classes of a kit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_PROPERTY = "conformance"
_WRITTEN_IN = "messagefoundry.testing.conformance"
_WITH_CLAUSES = (
    "messagefoundry.testing.alert_sinks",
    "messagefoundry.testing.answering_again",
    "messagefoundry.testing.batch_codecs",
    "messagefoundry.testing.batch_exchanges",
    "messagefoundry.testing.batches",
    "messagefoundry.testing.ciphers",
    "messagefoundry.testing.codecs",
    "messagefoundry.testing.discretion",
    "messagefoundry.testing.exchanges",
    "messagefoundry.testing.inbound",
    "messagefoundry.testing.outbound",
    "messagefoundry.testing.receiving",
    "messagefoundry.testing.reference_sources",
    "messagefoundry.testing.stopping",
    "messagefoundry.testing.stores",
)
_NARROWING = ("keyword", "markexpr", "deselect", "lf", "stepwise", "collectonly", "maxfail")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a clause: which, of which class and kind, and why it is not applicable if it is declared so."""

    tests: str
    kind: str
    total: int
    name: str
    sentence: str
    reason: str = ""


_RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    """Let a failed clause show the values it compared, and count what runs."""
    if _WRITTEN_IN not in sys.modules:
        pytest.register_assert_rewrite(*_WITH_CLAUSES)
    config.pluginmanager.register(Tally(config), "messagefoundry-conformance")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> pytest.Class | None:
    """Collect the classes of kits with care."""
    written = sys.modules.get(_WRITTEN_IN)
    if written is None or not isinstance(obj, type) or not issubclass(obj, written.Conformance):
        return None
    if not collector.istestclass(obj, name):
        return None
    made: pytest.Class = ConformanceClass.from_parent(collector, name=name, obj=obj)
    return made


class ConformanceClass(pytest.Class):
    """A third party's class of a kit: every clause of the kit is collected, or the run fails."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The tests of the class. Raises CollectError when a clause was dropped."""
        written: Any = sys.modules[_WRITTEN_IN]
        known = written.clauses(self.obj)
        children = list(super().collect())
        problems = list(written.violations(self.obj))
        collected = {getattr(child, "originalname", child.name) for child in children} | {*self.obj.not_applicable}
        missing = [name for name in known if name not in collected]
        problems += [f"the clause {name} is not collected: see python_functions" for name in missing if not problems]
        if problems:
            raise self.CollectError("\n".join(f"{self.name}: {problem}" for problem in problems))
        for child in children:
            name = getattr(child, "originalname", child.name)
            if isinstance(child, pytest.Item) and name in known:
                text = written.sentence(known[name])
                self._mark(child, Run(self.nodeid, self.obj.kind, len(known), name, text, self._reason(name)))
        return children

    def _reason(self, name: str) -> str:
        return str(self.obj.not_applicable.get(name, ""))

    def _mark(self, item: pytest.Item, run: Run) -> None:
        item.stash[_RUN] = run
        item.user_properties.append((_PROPERTY, [run.tests, run.kind, str(run.total), run.name, run.reason]))
        if run.reason:
            item.add_marker(pytest.mark.skip(reason=f"not applicable: {run.reason}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A clause that is skipped or expected to fail without being declared not applicable has failed."""
    report = yield
    run = item.stash.get(_RUN, None)
    if run is not None and report.skipped and not run.reason:
        report.outcome = "failed"
        report.longrepr = (
            f"the clause {run.name} was skipped or expected to fail: declare it in not_applicable, or pass"
        )
        vars(report).pop("wasxfail", None)
    if run is not None and report.failed:
        report.sections.append(("The clause", run.sentence))
    return report


@dataclass(slots=True)
class Count:
    """What became of the clauses of one class."""

    kind: str
    total: int
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    not_applicable: dict[str, str] = field(default_factory=dict)

    @property
    def not_run(self) -> int:
        """Clauses of which nothing was seen."""
        return self.total - len(self.passed | self.failed | self.not_applicable.keys())


class Tally:
    """Counts clauses; with pytest-xdist, those of all workers, in the process that started them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._counts: dict[str, Count] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of one clause."""
        runs: list[Any] = [value for key, value in report.user_properties if key == _PROPERTY]
        for tests, kind, total, name, reason in runs:
            count = self._counts.setdefault(tests, Count(kind, int(total)))
            if report.failed:
                count.failed.add(name)
            elif reason:
                count.not_applicable[name] = reason
            elif report.when == "call":
                count.passed.add(name)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a whole run in which clauses are missing."""
        if self._dropped() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a class, and one for each clause that is not applicable."""
        if not self._counts:
            return
        terminalreporter.section("conformance")
        for tests, count in self._counts.items():
            terminalreporter.line(f"{tests} ({count.kind}): {summary(count)}", red=bool(count.failed))
            for reason in dict.fromkeys(count.not_applicable.values()):
                names = [name for name, why in count.not_applicable.items() if why == reason]
                terminalreporter.line(f"    not applicable: {', '.join(names)}: {reason}")
        for tests in self._dropped():
            terminalreporter.line(f"{tests}: clauses were dropped, so the run has failed", red=True)

    def _dropped(self) -> list[str]:
        """Classes with clauses that did not run although nobody asked for a part of the run only."""
        options = self._config.option
        narrowed = any(getattr(options, name, None) for name in _NARROWING) or any("::" in a for a in self._config.args)
        if narrowed or hasattr(self._config, "workerinput"):
            return []
        return [tests for tests, count in self._counts.items() if count.not_run and not count.failed]


def summary(count: Count) -> str:
    """ "23 clauses, 21 passed, 2 not applicable"."""
    parts = {
        "passed": len(count.passed - count.failed),
        "failed": len(count.failed),
        "not applicable": len(count.not_applicable),
        "not run": count.not_run,
    }
    shown = [f"{number} {word}" for word, number in parts.items() if number]
    return ", ".join([f"{count.total} clauses", *shown])
