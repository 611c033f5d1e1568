from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import LOCK, wanted
from tools.projects import read_projects

TEXT = LOCK.read_text(encoding="utf-8")
ENTRY = re.compile(r"^(?P<requirement>\S[^\\\n]*?) \\\n(?P<hashes>(?:    --hash=.*\n)+)", re.MULTILINE)
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
PINS = {
    canonicalize_name(pin.name): pin for pin in (Requirement(found["requirement"]) for found in ENTRY.finditer(TEXT))
}


def test_every_line_is_a_hashed_pin_or_a_comment() -> None:
    rest = ENTRY.sub("", TEXT).splitlines()
    assert [line for line in rest if line and not line.lstrip().startswith("#")] == []
    hashes = [line for found in ENTRY.finditer(TEXT) for line in found["hashes"].splitlines()]
    assert [line for line in hashes if not HASH.fullmatch(line)] == []


def test_every_pin_is_exact() -> None:
    assert PINS
    assert [str(pin) for pin in PINS.values() if not re.fullmatch(r"==[^*,]+", str(pin.specifier))] == []


def test_the_lock_names_no_host_and_no_place_on_a_machine() -> None:
    assert re.findall(r"://|@ |file:|^-|--(?!hash=)|(?:^|\s)[./~]\S*/", TEXT, re.MULTILINE) == []


WANTED = {(who, text) for who, texts in wanted(read_projects()).items() for text in texts}


@pytest.mark.parametrize(("who", "text"), sorted(WANTED))
def test_the_lock_satisfies_what_is_declared(who: str, text: str) -> None:
    requirement = Requirement(text)
    pin = PINS.get(canonicalize_name(requirement.name))
    mend = f"{who} asks for {text}; run: make lock"
    assert pin is not None, mend
    (version,) = (one.version for one in pin.specifier)
    assert requirement.specifier.contains(version), mend
