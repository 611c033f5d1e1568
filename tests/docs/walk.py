"""Follows a page literally: runs its shell blocks in order, writes the files that it shows, compares what it prints."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports

if TYPE_CHECKING:
    from types import TracebackType

    from tests.docs.blocks import Block

PATIENCE_SECONDS = 60
PORT = 2575
READY = "Ctrl-C stops the engine"


class Walk:
    """One person at two terminals. Only the ports differ from the page: others may use them on this machine."""

    def __init__(self, home: Path) -> None:
        self.here = home
        self.port, self.api_port = free_ports(2)
        ours = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MEFOR_API_PORT": str(self.api_port),
            "MEFOR_VALUE_EXAMPLE_ADT_PORT": str(self.port),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("MEFOR_")}
        self.environ = {**theirs, **ours}
        self.engine: subprocess.Popen[str] | None = None
        self.printed: dict[str, str] = {}

    def __enter__(self) -> Walk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.engine is not None and self.engine.poll() is None:
            self.engine.kill()
            self.engine.communicate()

    def follow(self, blocks: list[Block]) -> None:
        """Everything in order. A block without language shows what the shell block before it prints."""
        last = ""
        for block in blocks:
            if block.language == "sh" and not block.about:
                last = "".join(self.type(line) for line in block.text.splitlines())
            elif block.language in ("python", "toml") and block.about:
                self.write(block)
            elif not block.language:
                assert last == block.text, f"{block} shows something else"

    def write(self, block: Block) -> None:
        """Make a file what a block shows, or replace its Handler and all that follows."""
        name, _, part = block.about.partition(" ")
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        text = block.text
        if part == "handler":
            text = path.read_text().partition("@handler")[0] + text
        path.write_text(text)
        path.chmod(0o644)

    def type(self, line: str) -> str:
        """Type one line and give what it prints."""
        line, _, remark = line.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{self.port}").partition("  # ")
        if line.startswith("cd "):
            self.here = (self.here / Path(line[3:].replace("~", self.environ["HOME"]))).resolve()
            return ""
        if line.startswith("messagefoundry serve"):
            self.serve(line)
            return ""
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=self.here,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        wanted = int(found[1]) if (found := re.fullmatch(r"exits (\d+)", remark)) else 0
        assert ran.returncode == wanted, f"{line}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}"
        assert "Traceback" not in ran.stderr
        self.printed[line] = ran.stdout
        if self.engine is not None:
            self.settle()
        return ran.stdout

    def serve(self, line: str) -> None:
        """Start the engine and read its banner."""
        self.engine = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.here,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.engine.stdout is not None
        banner = []
        for text in self.engine.stdout:
            banner.append(text)
            if READY in text:
                return
        raise AssertionError("".join(banner))

    def settle(self) -> None:
        """A person is slower than the engine: wait until nothing is on its way."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}/stats", timeout=PATIENCE_SECONDS) as answer:
                if not {"RECEIVED", "ROUTED"} & json.load(answer)["messages"].keys():
                    return
        raise AssertionError("messages are on their way for ever")

    def stop(self) -> str:
        """Type Ctrl-C; what the engine printed since its banner."""
        assert self.engine is not None
        self.engine.send_signal(signal.SIGINT)
        log, _ = self.engine.communicate(timeout=PATIENCE_SECONDS)
        assert self.engine.returncode == 0, log
        return log
