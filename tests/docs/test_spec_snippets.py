"""The specification's own examples run here, or are refused in the one sentence that says so.

`LACKING` has those that need what is not built. It can only shrink: an example that begins to work, or that fails in
another way, fails its test.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.rehearsal import Rehearsed, rehearsals
from messagefoundry.cli.sources import Source
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import installed
from messagefoundry.settings import check_posture, posture_of
from messagefoundry.wiring.load import load_graph
from tests.docs.spec_snippets import SPECIFICATION, Snippet, snippets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from messagefoundry.contracts.errors import Problem

pytestmark = pytest.mark.skipif(not SPECIFICATION.is_dir(), reason=f"the specification is not at {SPECIFICATION}")

SNIPPETS = snippets() if SPECIFICATION.is_dir() else []
MESSAGE = b"MSH|^~\\&|A|NORTH|||20260111||ADT^A01|1|P|2.5.1\rPID|1||4711\rPV1|1||||||DRHOUSE\rODS|D||RENAL\r"
WORLD = """
from messagefoundry import MLLP, File, inbound, outbound, router

inbound("IB_EXAMPLE", MLLP(port=2575), router="example")
outbound({outbound!r}, File(directory="out"))


@router("example")
def route(msg):
    return {handler!r}
"""

ENVIRONMENTS = "[environments] — per-environment graph values (DEV/PROD)"
CODE_SETS = "Code sets — reference lookup tables (`codesets/`)"
STATE = "Transform state — cross-message correlation (ADR 0005)"
REFERENCES = "Reference sets — external-data enrichment (ADR 0006)"
CLUSTER = "14.1 Stand up the cluster"


def each(language: str) -> pytest.MarkDecorator:
    found = [snippet for snippet in SNIPPETS if snippet.language == language]
    return pytest.mark.parametrize("snippet", found, ids=lambda snippet: snippet.name)


LINES: Mapping[str, tuple[tuple[str, str], ...]] = {
    f"{ENVIRONMENTS} (python 1)": (
        ("environment #\n", "environment\n# "),
        ('"T" if', '"T"\n\n@handler("example")\ndef example(msg):\n    if'),
    ),
    f"{CODE_SETS} (python 1)": (
        (") def", ")\ndef"),
        ("(msg): ", "(msg):\n    "),
        ("\nfac", "\n    fac"),
        ("\nreturn", "\n    return"),
    ),
    f"{REFERENCES} (python 1)": (
        (") def", ")\ndef"),
        ("(msg): ", "(msg):\n    "),
        ("\nno I/O if", "\n    if"),
        (" return", "\n    return"),
    ),
    f"{ENVIRONMENTS} (toml 1)": (("] base_dir", "]\nbase_dir"),),
    f"{CLUSTER} (toml 1)": (("] enabled", "]\nenabled"),),
}
"""Where examples have lost their line breaks: a few characters, and the same with the line break."""


ENDS = {f"{ENVIRONMENTS} (toml 1)": "\nlive under"}
"""Where running text begins inside of an example."""


def whole(snippet: Snippet) -> str:
    """The example with its line breaks."""
    text, end, _ = snippet.text.partition(ENDS.get(snippet.name, "\0"))
    assert bool(end) == (snippet.name in ENDS)
    for run_together, lines in LINES.get(snippet.name, ()):
        assert run_together in text, f"{snippet.name} no longer has {run_together!r}"
        text = text.replace(run_together, lines, 1)
    return text


@dataclass(frozen=True)
class Lacking:
    """Why an example does not run yet, and all that is said of it."""

    why: str
    said: tuple[str, ...]


NO_EFFECT = "is not supported yet in this release and has no effect"
DANGER = "is not supported yet in this release, and leaving out what it protects would be a danger"

LACKING = {
    f"{CLUSTER} (toml 1)": Lacking("active-passive clusters are not built", (f"[cluster] enabled: {DANGER}",)),
    "[alerts] (toml 1)": Lacking(
        "alerts go to the log alone",
        tuple(
            f"[alerts] {key}: {NO_EFFECT}"
            for key in ("webhook_url", "email_smtp_host", "email_from", "email_to", "rules")
        ),
    ),
    "[cert_monitor] (toml 1)": Lacking(
        "certificates are not watched", (f"[cert_monitor] warn_days: {NO_EFFECT}", f"[alerts] rules: {NO_EFFECT}")
    ),
    "Example (toml 1)": Lacking(
        "logs are not shipped, nothing is purged, and there is no store on SQL Server",
        (
            *(f"[logging] {key}: {NO_EFFECT}" for key in ("forward_enabled", "forward_host", "forward_protocol")),
            *(f"[retention] {key}: {NO_EFFECT}" for key in ("messages_days", "dead_letter_days", "vacuum_at")),
            "[store] backend: the store sqlserver is not available in this release",
        ),
    ),
}


def test_every_example_is_known() -> None:
    names = [snippet.name for snippet in SNIPPETS]
    assert len(names) == len(set(names))
    assert [sum(snippet.language == language for snippet in SNIPPETS) for language in ("python", "toml")] == [4, 5]
    python = {snippet.name for snippet in SNIPPETS if snippet.language == "python"}
    assert {*LINES, *ENDS, *LACKING} <= set(names)
    assert set(PROGRAMS) == python


def said(problems: Iterable[Problem]) -> tuple[str, ...]:
    return tuple(f"{found.name}: {found.text}" if found.name else found.text for found in problems)


def judge(snippet: Snippet, problems: Iterable[Problem]) -> bool:
    """Whether the example runs; what is said of one that does not is exactly what is listed."""
    lacking = LACKING.get(snippet.name)
    found = said(problems)
    if lacking is None:
        assert found == (), "this example worked before"
        return True
    assert found != (), f"this example works now: take it from the list ({lacking.why})"
    assert found == lacking.said
    return False


# -- settings --------------------------------------------------------------------------------------------------------


@each("toml")
def test_an_example_of_settings_is_taken_as_it_stands(
    snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "messagefoundry.toml"
    file.write_text(whole(snippet), "utf-8")
    configured = Configured(Call(service_config=file, env="dev"))
    problems: list[Problem] = []
    try:
        settings = configured.settings
        problems += configured.loaded.warnings
        problems += check_posture(settings, posture_of(settings)).refusals
        assert configured.stores
    except ConfigurationError as error:
        problems += error.problems
    if judge(snippet, problems):
        for section, keys in tomllib.loads(whole(snippet)).items():
            here = getattr(settings, section)
            assert {key: getattr(here, key) for key in keys} == keys


# -- configurations --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """What an example leaves to its reader, and which fields of MESSAGE then differ when it is sent."""

    handler: str
    outbound: str
    changes: Mapping[str, str]
    before: str = ""
    after: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


PROGRAMS = {
    f"{ENVIRONMENTS} (python 1)": Program(
        "example",
        "OB_EXAMPLE",
        {"MSH-11": "T"},
        before="from messagefoundry import Send, handler\n",
        after='\n    return Send("OB_EXAMPLE", msg)\n',
    ),
    f"{CODE_SETS} (python 1)": Program(
        "to_cbord",
        "OB_CBORD_DIET",
        {"ODS-3": "LOW K"},
        files={
            "codesets/epic_diets.csv": "epic,cbord\nRENAL,LOW K\n",
            "codesets/facility_mnemonics.toml": 'NORTH = "N1"\n',
        },
    ),
    f"{STATE} (python 1)": Program(
        "anonymize",
        "OB_DOWNSTREAM",
        {"PID-3": "ANON-4711"},
        after='\n\ndef derive_anon_id(mrn):\n    return f"ANON-{mrn}"\n',
    ),
    f"{REFERENCES} (python 1)": Program(
        "enrich",
        "OB_DOWNSTREAM",
        {"PV1-7": "DRHOUSE^^^^^^^^^^^^1234567893"},
        files={"providers.csv": "code,npi\nDRHOUSE,1234567893\n"},
        values={"provider_npi_csv": "providers.csv"},
    ),
}


def configuration(snippet: Snippet, program: Program, folder: Path) -> Path:
    """Write the example as a module, with the feed that it stands in."""
    world = WORLD.format(outbound=program.outbound, handler=program.handler)
    modules = {"example.py": program.before + whole(snippet) + program.after, "feed.py": world}
    for name, text in {**modules, **program.files}.items():
        file = folder / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o600)
    return folder


@each("python")
def test_an_example_of_a_configuration_does_what_it_says(
    snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o700)
    program = PROGRAMS[snippet.name]
    directory = configuration(snippet, program, tmp_path)
    problems: tuple[Problem, ...] = ()
    try:
        graph = load_graph(directory, installed=installed(), environment="staging", values=program.values)
        problems = graph.warnings
    except ConfigurationError as error:
        problems = error.problems
    if judge(snippet, problems):
        (outcome,) = rehearsals(graph, [Source("example", Path("example.hl7"), MESSAGE)])
        assert changes(outcome) == {program.outbound: program.changes}


def changes(outcome: Rehearsed) -> dict[str, dict[str, str | None]]:
    assert outcome.errors == ()
    return {sent.to: {change.path: change.after for change in sent.changes} for sent in outcome.deliveries}
