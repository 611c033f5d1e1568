"""Where one engine lives: a directory with its configuration, store and files, and the ports it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from messagefoundry.testing import free_ports

if TYPE_CHECKING:
    from pathlib import Path

AUTHORING = """\
import os
import signal

from messagefoundry import MLLP, File, RetryPolicy, Send, handler, inbound, outbound, router
"""

FAN_OUT = """
inbound("IB", MLLP(port={port}), router="all_to_fan")
soon = RetryPolicy(backoff_seconds=0.1, max_backoff_seconds=0.2)
outbound("OB_MLLP", MLLP(host="127.0.0.1", port={partner}), retry=soon)
outbound("OB_FILE", File(directory="{files}", filename="{{MSH-10}}.hl7"))

@router("all_to_fan")
def all_to_fan(msg):
    return "fan"

@handler("fan")
def fan(msg):
    msg["MSH-5"] = "DOWNSTREAM"
    return [Send("OB_MLLP", msg), Send("OB_FILE", msg)]
"""
"""One MLLP inbound, one Handler, an MLLP and a File outbound."""


@dataclass(frozen=True)
class Place:
    """A directory, the port to receive on, the port of the HTTP pages."""

    directory: Path
    port: int
    api_port: int

    @property
    def configuration(self) -> Path:
        return self.directory / "config"

    @property
    def database(self) -> Path:
        return self.directory / "engine.db"

    @property
    def files(self) -> Path:
        """The folder that File outbounds write into."""
        return self.directory / "files"

    def configure(self, feed: str, *, settings: str = "", **values: object) -> None:
        """Write a module of the configuration; `{port}`, `{files}` and each of `values` are filled in."""
        self.configuration.mkdir(mode=0o700, exist_ok=True)
        text = AUTHORING + feed.format(port=self.port, files=self.files, **values)
        (self.configuration / "feed.py").write_text(text)
        (self.directory / "messagefoundry.toml").write_text(settings)


def place_in(directory: Path) -> Place:
    """A place with free ports."""
    port, api_port = free_ports(2)
    return Place(directory, port, api_port)
