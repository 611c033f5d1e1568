"""Whatever texts a channel has, the module compiles, is formatted, drops no step, and says nothing of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.javascript import expression, script
from messagefoundry.importing.project import ENVIRONMENT, imported, write
from messagefoundry.importing.pytext import kept, on_one_line, quoted
from messagefoundry.importing.report import Outcome
from messagefoundry.importing.secrets import blanked
from messagefoundry.importing.values import toml_text
from tests.importing.exports import (
    builder,
    channel,
    destination,
    filtering,
    javascript,
    mapper,
    rule,
    script_rule,
    sender,
    transformer,
)

XML_CHARS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n")
NASTY = st.sampled_from(
    ["'", '"', '"""', "\\", "\n", "\r", "#", "{", "}", "$", "*/", "//", "\u2028", "\x85", "é", "漢", "\u0301", "\u202e"]
) | st.sampled_from(
    ["fmt: off", "# type: ignore", "noqa", "raise", "return", "');", "import os\n", "${x}", "<b>", "|", "`"]
)
WORDS = st.sampled_from(["var", "x", "=", "'", "(", ")", "[", "]", "{", "}", ".", "+", "==", "&&", "!", "if", "else"])
TEXTS = st.lists(NASTY | st.text(XML_CHARS, max_size=8), max_size=8).map("".join)
PLACE = "msg['PID']['PID.{0}']['PID.{0}.1']"
MRN = PLACE.format(3) + ".toString()"


def read_from_xml(text: str) -> str:
    """A text as XML 1.0 hands it on (§2.11)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def literal(text: str) -> str:
    """A text as a JavaScript literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


@st.composite
def channels(draw: st.DrawFn) -> tuple[str, list[str], str]:
    """An export, the names of its steps and rules, and the script of the first step as XML gives it."""
    names = [f"{draw(TEXTS)}-{number}" for number in range(6)]
    first = draw(TEXTS)
    steps = (
        javascript(0, names[0], first)
        + mapper(
            1, draw(TEXTS), draw(TEXTS) | MRN if False else draw(st.sampled_from([MRN]) | TEXTS), literal(draw(TEXTS))
        )
        + builder(2, names[2], draw(st.just(PLACE.format(4)) | TEXTS), literal(draw(TEXTS)))
        + javascript(3, names[3], f"{PLACE.format(5)} = {literal(draw(TEXTS))};\n$c({literal(draw(TEXTS))}, {MRN});")
    )
    rules = script_rule(0, names[4], f"return {MRN} == {literal(draw(TEXTS))};")
    rules += rule(1, names[5], MRN, "EQUALS", *[literal(draw(TEXTS)) for _ in range(draw(st.integers(0, 12)))])
    lab = destination(1, draw(TEXTS), sender(draw(TEXTS), draw(TEXTS)), draw(TEXTS), rules=filtering(rules))
    return channel(draw(TEXTS), lab, steps=transformer(steps)), [names[0], *names[2:]], read_from_xml(first)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=channels())
def test_a_module_compiles_and_drops_no_step(found: tuple[str, list[str], str]) -> None:
    xml, names, first = found
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "export.xml"
        path.write_text(xml, "utf-8", newline="")
        result = imported([path])
        write(result, Path(home))
        (text,) = (text for name, text in result.files.items() if name.endswith(".py"))
        tree = ast.parse(text)
        tomllib.loads((Path(home) / ENVIRONMENT).read_text("utf-8"))
        assert formatted(text, 88) == text
        assert formatted(text, 120) == text
    (report,) = result.reports
    parts = [entry.part for entry in report.entries]
    for name in names:
        shown = on_one_line(repr(read_from_xml(name).strip()))
        assert any(shown in part for part in parts), (shown, parts)
    untranslated = {entry.part for entry in report.of(Outcome.NOT_TRANSLATED)}
    if any(part.startswith("step 1 ") for part in untranslated) and first.strip():
        lines = {line.strip() for line in text.split("\n")}
        assert {line.strip() for line in kept(blanked(first))} <= lines
    raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    missing = report.of(Outcome.NOT_TRANSLATED)
    elsewhere = [entry for entry in missing if entry.part.startswith(("value ", "connector (TCP Listener)"))]
    assert len(raised) == len(missing) - len(elsewhere)
    assert imported_names(tree) <= {"messagefoundry"}


def formatted(text: str, width: int) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(width), "-"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout.decode()


def imported_names(tree: ast.Module) -> set[str | None]:
    """The modules that a module imports: a text of the channel must never become code."""
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return found | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


@given(text=st.text())
def test_a_literal_is_the_text(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text


@given(text=st.text(XML_CHARS | st.sampled_from("\r\x0b\x0c\x1c\x85\u2028")))
def test_kept_text_is_nothing_but_comments(text: str) -> None:
    assert all(line.startswith("# |") for line in "\n".join(kept(text)).split("\n"))
    assert ast.parse("\n".join(kept(text))).body == []


@given(text=st.text())
def test_a_value_of_the_environment_is_the_text(text: str) -> None:
    read = tomllib.loads(f"key = {toml_text(text)}")["key"]
    assert read == "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


@given(
    text=st.text()
    | st.lists(
        st.sampled_from(
            [
                "var",
                "x",
                "=",
                "'",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ".",
                "+",
                "==",
                "&&",
                "!",
                "if",
                "else",
                "return",
                ";",
                "\n",
                "1",
                "msg",
            ]
        )
    ).map(" ".join)
)
def test_a_script_is_read_or_refused(text: str) -> None:
    for read in (script, expression):
        with suppress(Untranslatable):
            read(text)
