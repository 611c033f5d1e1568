"""What a plugin registers through a hook changes what the engine does: one test a hook, on a real engine."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import READY, Ran, Serving, program, serving
from tools.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEED = """
from messagefoundry import Send, handler, inbound, outbound, router
from tests.plugins.everything_parts import Whisper

inbound("IB", Whisper(say="ISA*00*"), router="route", content_type="x12")
outbound("OB", Whisper(into="heard.txt"))

@router("route")
def route(msg):
    return "pass"

@handler("pass")
def pass_on(msg):
    return Send("OB", msg)
"""


class Site:
    """A working directory, and a folder in which the plugin is installed as a distribution."""

    def __init__(self, folder: Path) -> None:
        self.here = folder / "here"
        config = self.here / "config"
        config.mkdir(parents=True)
        (config / "feed.py").write_text(FEED)
        for path in (config, config / "feed.py"):
            path.chmod(0o755)
        (self.here / "messagefoundry.toml").write_text('[store]\nbackend = "acme"\n')
        info = folder / "site" / "acme_everything-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-everything\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[messagefoundry]\neverything = tests.plugins.everything\n")
        paths = (str(info.parent), str(ROOT), os.environ.get("PYTHONPATH", ""))
        self.environ = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, *arguments: str) -> Ran:
        return program(*arguments, cwd=self.here, environ=self.environ)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def engine(site: Site) -> Iterator[Serving]:
    """The engine with the plugin, after its one message has gone through."""
    with serving(site.here, "--config", "config", "--env", "dev", environ=site.environ) as running:
        running.until("put down")
        running.until("IB: answered")
        running.until(READY)
        yield running
        assert running.stop() == 0


def page(engine: Serving, path: str) -> Any:
    address = re.search(r"http://[\w.:]+", engine.text)
    assert address is not None, engine.text
    with urllib.request.urlopen(f"{address[0]}{path}", timeout=20) as answer:
        return json.load(answer)


@pytest.mark.hook("register_connectors")
def test_a_connector_of_a_plugin_receives_and_delivers(site: Site, engine: Serving) -> None:
    assert (site.here / "heard.txt").read_bytes() == b"ISA*00*"


@pytest.mark.hook("register_codecs")
def test_a_codec_of_a_plugin_judges_and_answers_its_content_type(engine: Serving) -> None:
    assert "A TA1*000000905" in engine.text
    (message,) = page(engine, "/messages")["messages"]
    assert (message["control_id"], message["type"]) == ("000000905", "270")


@pytest.mark.hook("register_stores")
def test_a_store_of_a_plugin_keeps_the_messages(site: Site, engine: Serving) -> None:
    assert "memory " in engine.text
    assert len(page(engine, "/messages")["messages"]) == 1
    assert list(site.here.glob("*.db")) == []


@pytest.mark.hook("register_alert_sinks")
def test_a_sink_of_a_plugin_is_sent_every_alert(site: Site, engine: Serving) -> None:
    assert "answered IB\n" in (site.here / "alerts.txt").read_text()


@pytest.mark.hook("register_blueprints")
def test_a_page_of_a_plugin_is_served(engine: Serving) -> None:
    assert page(engine, "/acme") == {"from": "acme"}


@pytest.mark.hook("register_commands")
def test_a_command_of_a_plugin_runs_and_is_listed(site: Site) -> None:
    assert site.run("acme-greet").out == "greetings from acme\n"
    assert re.search(r"acme-greet +Greet\.", site.run("--help").out)


@pytest.mark.hook("register_requirements")
def test_the_doctor_names_what_a_plugin_lacks(site: Site) -> None:
    ran = site.run("doctor")
    assert ran.code == 1
    assert re.search(r"modem: no modem answers \(plug it in\)", ran.out)
