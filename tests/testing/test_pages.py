"""docs/write-a-connector.md, write-a-store.md and plugins.md: what they show is built, installed, and works."""

from __future__ import annotations

import os
import site
import socket
import subprocess
import sys
import tempfile
import venv
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from messagefoundry.testing import free_port
from tests.docs.blocks import blocks_of
from tests.docs.walk import Walk
from tools.clauses import PAGES, written
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONNECTOR, STORE, PLUGINS = PAGES
PYTEST = "python -P -m pytest -q -p no:cacheprovider"
MEMORY = "/dev/shm"
"""A file system that syncs at once: what is tested here is the page, not the disk."""
MESSAGE = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\r"


class Builder(Walk):
    """Follows a page with an environment of its own, in which the engine is installed and the page's package is not."""

    def __init__(self, home: Path, page: Path) -> None:
        super().__init__(home)
        self.blocks = blocks_of(page)
        self.python = environment(home / "venv")
        self.environ["PATH"] = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        for block in self.blocks:
            if block.language in ("python", "toml") and block.about:
                self.write(block)

    def shows(self, text: str) -> bool:
        """Whether a block of the page is exactly this."""
        return any(block.text == text for block in self.blocks)

    def install(self, project: str) -> None:
        """Build the wheel and install it, without a network."""
        folder, wheels = self.here / project, self.here / "wheels"
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        (wheel,) = wheels.glob("*.whl")
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet", "--no-index"]
        subprocess.run([*command, "--no-deps", str(wheel)], check=True, timeout=120)

    def clauses(self, tests: str) -> list[str]:
        """The lines of the summary that tell of clauses."""
        with tempfile.TemporaryDirectory(dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
            printed = self.type(f"{PYTEST} --basetemp={folder}/tests {tests}")
        return [line for line in printed.splitlines() if " clauses, " in line]


def environment(folder: Path) -> Path:
    """A new environment that sees the packages of this one, engine and pytest; its python."""
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    places = [place for place in site.getsitepackages() if os.path.isdir(place)]
    (packages / "engine.pth").write_text("".join(f"import site; site.addsitedir({place!r})\n" for place in places))
    python = folder / "bin" / "python"
    command = folder / "bin" / "messagefoundry"
    command.write_text(f"#!{python}\nfrom messagefoundry.cli import main\n\nmain()\n")
    command.chmod(0o755)
    return python


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Builder]:
    with (builder := Builder(tmp_path, CONNECTOR)):
        yield builder


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Builder]:
    with (builder := Builder(tmp_path, PLUGINS)):
        yield builder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Builder]:
    with (builder := Builder(tmp_path, STORE)):
        yield builder


def test_the_connector_of_the_page_keeps_its_clauses_and_carries_a_message(connector: Builder) -> None:
    connector.install("acme-lines")
    assert connector.shows("".join(f"{line}\n" for line in connector.clauses("acme-lines/tests")))

    with without_closing(connector):
        printed = connector.type(f"{PYTEST} --tb=no acme-lines/tests -k never_meets  # exits 1")
        assert "6 failed" in printed

    listening, partner = free_port(), free_port()
    connector.environ |= {"MEFOR_VALUE_LINES_PORT": str(listening), "MEFOR_VALUE_PARTNER_PORT": str(partner)}
    connector.type("cd acme-lines")
    assert "Lines" in connector.type("messagefoundry doctor --config config --env dev")
    connector.type("messagefoundry serve --config config --env dev")
    with subprocess.Popen(
        [connector.python, "partner.py", str(partner)], cwd=connector.here, stdout=subprocess.PIPE, text=True
    ) as other:
        with socket.create_connection(("127.0.0.1", listening), timeout=20) as sock:
            sock.sendall(b"hello\n")
            assert sock.recv(100) == b"OK\n"
        assert other.stdout is not None
        assert other.stdout.readline() == "hello\n"
        connector.settle()
        other.kill()
    connector.stop()


def test_the_store_of_the_page_keeps_its_clauses_and_carries_a_message(store: Builder) -> None:
    store.install("acme-store")
    assert store.shows("".join(f"{line}\n" for line in store.clauses("acme-store/tests")))

    store.type("cd acme-store")
    store.type("messagefoundry doctor --config config --env dev")
    store.type("messagefoundry serve --config config --env dev")
    (put,) = (line for block in store.blocks for line in block.text.splitlines() if line.startswith("printf"))
    store.type(put)
    out = store.here / "out" / "1.hl7"
    store.type("for i in $(seq 200); do [ -f out/1.hl7 ] && break; python -c 'import time; time.sleep(0.05)'; done")
    assert out.read_bytes() == MESSAGE.encode()
    assert "PROCESSED" in store.type("messagefoundry messages list --env dev")
    assert (store.here / "acme.db").exists()
    store.stop()


def test_the_parts_of_the_page_keep_their_clauses_and_are_found(parts: Builder) -> None:
    parts.install("acme-parts")
    assert parts.shows("".join(f"{line}\n" for line in parts.clauses("acme-parts/tests")))
    parts.type("cd acme-parts")
    found = parts.type("messagefoundry doctor --config config --env dev")
    assert "x12" in found
    assert "Wards" in found
    assert "IB_CLAIMS" in parts.type("messagefoundry graph --config config --env dev")


@contextmanager
def without_closing(builder: Builder) -> Iterator[None]:
    """The sender with the mistake that the page names."""
    (installed,) = builder.here.glob("venv/lib/python*/site-packages/acme_lines/sender.py")
    sound = installed.read_text()
    closing = "        except BaseException:\n            self.close()\n"
    assert closing in sound
    installed.write_text(sound.replace(closing, "        except BaseException:\n"))
    yield
    installed.write_text(sound)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_clauses_of_the_pages_are_todays(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == written(text), "run: python -m tools.clauses"
    assert page.parent == ROOT / "docs"
