"""Which official distribution has what, so that a missing one is answered with the line that installs it."""

from __future__ import annotations

from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from messagefoundry.contracts.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.plugins.registry import BrokenPlugin

Kind = Literal["connector", "store", "content type"]

RELEASED = frozenset({"mllp", "file", "timer", "sqlite", "postgres"})
"""Extras of `messagefoundry` that can be installed today."""

EXTRAS = MappingProxyType(
    {
        "connector": {
            "MLLP": "mllp",
            "Tcp": "mllp",
            "File": "file",
            "Sftp": "sftp",
            "Ftp": "sftp",
            "Http": "http",
            "Rest": "http",
            "Soap": "http",
            "Database": "database",
            "DatabasePoll": "database",
            "X12": "x12",
            "FHIR": "fhir",
            "Timer": "timer",
            "Email": "",
            "Direct": "",
            "DICOM": "",
            "DICOMweb": "",
        },
        "store": {"sqlite": "sqlite", "postgres": "postgres", "sqlserver": "sqlserver"},
        "content type": {"x12": "x12", "fhir": "fhir", "dicom": ""},
    }
)
"""Per kind: a name of the published interface and the extra that brings it, "" where none is planned yet."""


class NotInstalledError(ImportError):
    """A name of the published interface that nothing installed has; `problem` says how to get it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def pip_line(extra: str) -> str:
    """The command that installs an extra of this release: without the version pip could take a project of that name."""
    return f"pip install 'messagefoundry[{extra}]=={version('messagefoundry-core')}'"


def offer(kind: Kind, name: str, broken: Sequence[BrokenPlugin] = ()) -> Problem | None:
    """What to tell a user whose configuration names something absent; None for a name that nobody knows."""
    extra = EXTRAS[kind].get(name)
    if extra is None:
        return None
    for plugin in broken:
        if plugin.distribution == f"messagefoundry-{extra}":
            return Problem(
                f"the {kind} {name} is in {plugin.distribution}, which is installed but cannot be used: {plugin.cause}",
                "messagefoundry doctor says more",
            )
    if extra in RELEASED:
        return Problem(f"the {kind} {name} is not installed", pip_line(extra))
    return Problem(f"the {kind} {name} is not available in this release")
