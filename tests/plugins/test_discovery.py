"""Finding plugins: real distributions in a folder of their own, and modules given by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import importlib_metadata
import pytest

from messagefoundry.contracts import ConnectorSpec
from messagefoundry.plugins import Candidate, collect, installed
from messagefoundry.plugins.discovery import entry_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = """
from messagefoundry.contracts import ConnectorSpec, StoreSpec, hookimpl
contract = 1
@hookimpl
def register_connectors():
    return [ConnectorSpec({name!r}, "a:b", "a:c", "a:d", None)]
@hookimpl
def register_stores():
    return [StoreSpec({name!r}.lower(), "a:store")]
"""


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, source: str, *, version: str = "1.2.3", requires: str = "") -> None:
        """Install a distribution with one module of the same name, which is its plugin."""
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{requires}")
        (info / "entry_points.txt").write_text(f"[messagefoundry]\n{module} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def found(site: Site) -> list[Candidate]:
    """The candidates of that folder alone."""
    names = {each.metadata["Name"] for each in importlib_metadata.distributions(path=[str(site.folder)])}
    return [each for each in entry_points() if each.distribution in names]


def test_what_a_distribution_registers_is_found_by_name(site: Site) -> None:
    site.install("acme-fax", GOOD.format(name="Fax"), version="4.5")
    here = collect(found(site))
    (plugin,) = here.plugins
    assert (plugin.name, plugin.distribution, plugin.version, plugin.contract) == ("acme_fax", "acme-fax", "4.5", 1)
    assert here.connectors["Fax"].spec == ConnectorSpec("Fax", "a:b", "a:c", "a:d", None)
    assert here.connectors["Fax"].plugin == plugin
    assert list(here.stores) == ["fax"]
    assert (here.broken, here.clashes, here.problems()) == ((), (), ())
    assert list(here.registered_by(plugin)) == [("connector", "Fax"), ("store", "fax")]


def test_two_plugins_that_claim_a_name_are_both_named(site: Site) -> None:
    site.install("acme-fax", GOOD.format(name="Fax"))
    site.install("beta-fax", GOOD.format(name="Fax"))
    here = collect(found(site))
    assert here.connectors["Fax"].plugin.distribution == "acme-fax"
    assert [str(problem) for problem in here.problems()] == [
        "the connector 'Fax' is registered by two plugins, acme-fax and beta-fax "
        "(uninstall one of them: pip uninstall beta-fax)",
        "the store 'fax' is registered by two plugins, acme-fax and beta-fax "
        "(uninstall one of them: pip uninstall beta-fax)",
    ]


BROKEN = {
    "raises at import": ("raise OSError('no modem')", "it cannot be imported: OSError: no modem"),
    "exits at import": ("raise SystemExit", "it cannot be imported: SystemExit"),
    "is no Python": ("def", "it cannot be imported: SyntaxError: "),
    "says no contract": ("x = 1", "it does not say `contract = 1`"),
    "another contract": ("contract = 2", "it was made for plugin contract 2, and this engine has contract 1"),
    "hook raises": (
        GOOD.format(name="Fax") + "\n@hookimpl\ndef register_commands(): raise ValueError('no')",
        "register_commands() failed: ValueError: no",
    ),
    "returns no list": (
        GOOD.format(name="Fax") + "\n@hookimpl\ndef register_codecs(): return 'hl7v2'",
        "register_codecs() does not return a list of CodecSpec",
    ),
    "returns other specs": (
        GOOD.format(name="Fax") + "\n@hookimpl\ndef register_codecs(): return [StoreSpec('a', 'b:c')]",
        "register_codecs() does not return a list of CodecSpec",
    ),
    "unknown hook": (
        GOOD.format(name="Fax") + "\n@hookimpl\ndef register_dreams(): return []",
        "its hooks do not fit: ",
    ),
    "hook wants arguments": (
        GOOD.format(name="Fax") + "\n@hookimpl\ndef register_codecs(engine): return []",
        "its hooks do not fit: ",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_recorded_with_its_cause_and_takes_nothing_down(site: Site, case: str) -> None:
    source, cause = BROKEN[case]
    site.install("acme-broken", source, version="0.1")
    site.install("beta-fine", GOOD.format(name="Fine"))
    here = collect(found(site))
    (broken,) = here.broken
    assert (broken.distribution, broken.version, broken.name) == ("acme-broken", "0.1", "acme_broken")
    assert broken.cause.startswith(cause)
    assert "\n" not in broken.cause
    assert list(here.connectors) == ["Fine"], "nothing of a plugin that is broken in part is used"


def test_the_engines_own_plugin_comes_first_through_the_same_door() -> None:
    first = next(entry_points())
    assert (first.name, first.distribution) == ("builtin", "messagefoundry-core")
    here = collect([first])
    assert set(here.codecs) == {"hl7v2", "json", "xml", "text", "binary"}
    assert "logging" in here.alert_sinks
    assert {"serve", "init", "validate", "doctor", "dead-letters"} <= set(here.commands)
    assert here.blueprints["control"].spec.control is True
    assert here.blueprints["health"].spec.control is False


def test_what_is_installed_is_found_once() -> None:
    assert installed() is installed()


def test_the_registry_cannot_be_changed() -> None:
    here = collect([next(entry_points())])
    with pytest.raises(TypeError):
        here.codecs["hl7v2"] = here.codecs["json"]  # type: ignore[index]
