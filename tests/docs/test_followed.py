from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.docs.blocks import blocks_of
from tests.docs.walk import Walk
from tools.projects import ROOT
from tools.reference.hooks import hooks, signature

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = ROOT / "docs" / "plugins.md"


def five_minutes() -> str:
    readme = (ROOT / "README.md").read_text("utf-8")
    return readme.partition("## A first interface in five minutes")[2].partition("\n## ")[0]


def test_the_first_interface_and_the_tutorial_work_word_for_word(tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        walk.follow(blocks_of(ROOT / "README.md", five_minutes()))
        out = walk.here / "out"
        assert [path.name for path in out.iterdir()] == ["EXAMPLE0001.hl7"]
        assert b"|ARCHIVE|" in (out / "EXAMPLE0001.hl7").read_bytes()
        assert "PROCESSED" in walk.printed["messagefoundry messages list"]

        walk.follow(blocks_of(ROOT / "docs" / "first-interface.md"))
        names = sorted(path.name for path in out.iterdir())
        assert len(names) == 3
        assert names[0].startswith("EXAMPLE0001-")
        assert names[1:] == ["EXAMPLE0001.hl7", "EXAMPLE0002.hl7"]
        assert "\rPD1|||SYNTHETIC PRACTICE" in (out / names[0]).read_bytes().decode()
        assert walk.printed["messagefoundry dead-letters list"] == "0 dead letters\n"
        assert "ERROR" not in walk.printed["messagefoundry messages list"]
        log = walk.stop()
        assert "TESTWELL" not in log


# -- plugins.md ------------------------------------------------------------------------------------------------------


def test_each_hook_has_a_heading_with_its_arguments() -> None:
    headings = {line for line in PLUGINS.read_text("utf-8").splitlines() if line.startswith("### register")}
    wanted = {f"### {name}{signature(hook).partition(' ->')[0]}" for name, hook in hooks().items()}
    assert headings == wanted


def test_the_plugin_of_the_page_is_found_and_delivers(tmp_path: Path) -> None:
    with Walk(tmp_path) as walk:
        for block in blocks_of(PLUGINS):
            if block.about.startswith("append/"):
                walk.write(block)
        install(tmp_path / "append", tmp_path / "site")
        walk.environ["PYTHONPATH"] = str(tmp_path / "site")
        feed = tmp_path / "append" / "config" / "IB_ADT.py"
        feed.write_text(feed.read_text().replace("2578", str(walk.port)))

        plugins = json.loads(walk.type("messagefoundry plugins --json"))
        (ours,) = (plugin for plugin in plugins["plugins"] if plugin["distribution"] == "mf-append")
        assert ours["registers"] == [{"kind": "connector", "name": "Append"}]
        walk.type("cd append")
        walk.type("messagefoundry doctor --config config --env dev")
        walk.type("messagefoundry serve --config config --env dev")
        message = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|T|2.5.1\r"
        walk.type(f"printf '%b' '{message.replace(chr(92), chr(92) * 2)}' | messagefoundry send {walk.port} -")
        assert (walk.here / "journal.hl7").read_bytes() == message.encode() + b"\n"
        walk.type("messagefoundry connections test OB_JOURNAL --env dev")
        walk.stop()


def install(source: Path, site: Path) -> None:
    """As the page says, without a network and into a folder of the test's own."""
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, str(source)], check=True, timeout=120)
