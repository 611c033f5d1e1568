"""Any directory of modules ends in a graph, or in problems that say where; the interpreter is as it was before."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import Candidate, Installed, collect
from messagefoundry.wiring.graph import Graph
from messagefoundry.wiring.load import load_graph
from messagefoundry.wiring.wanted import wanted_by
from tests.fuzz.test_settings import check_sentences
from tests.strategies.modules import directories, environments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from messagefoundry.contracts.errors import Problem

PLUGINS = [
    "messagefoundry.plugins.builtin",
    "messagefoundry_mllp.plugin",
    "messagefoundry_file.plugin",
    "tests.wiring.pipes",
]


FEED = b"from messagefoundry import MLLP, env, inbound\ninbound('IB', MLLP(port=2575), router='route')\n"
NO_TEXT = b"class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd\n"


@cache
def installed() -> Installed:
    return collect([Candidate.of_module(name, name) for name in PLUGINS])


def write(folder: str, files: Mapping[str, bytes], links: Mapping[str, str]) -> Path:
    directory = Path(folder) / "config"
    directory.mkdir(mode=0o755)
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
    for name, target in links.items():
        if not (directory / name).exists():
            (directory / name).symlink_to(target)
    return directory


def load(directory: Path, environment: str | None, values: Mapping[str, object]) -> Graph | tuple[Problem, ...]:
    try:
        return load_graph(directory, installed=installed(), environment=environment, values=values)
    except ConfigurationError as refusal:
        return refusal.problems


@given(
    files=directories,
    links=st.dictionaries(
        st.sampled_from(["old.py", "loop", "more"]), st.sampled_from(["gone.py", ".", "one.py"]), max_size=1
    ),
    environment=st.sampled_from([None, "dev"]),
    values=environments,
)
@example(files={"one.py": b""}, links={"old.py": "gone.py"}, environment="dev", values={})
@example(files={"one.py": b""}, links={".#one.py": "somebody@somewhere.4711"}, environment="dev", values={})
@example(files={"one.py": b""}, links={"old.py": "."}, environment="dev", values={})
@example(files={"a.b.py": b""}, links={}, environment="dev", values={})
@example(files={"one.py": FEED, "messagefoundry.py": FEED}, links={}, environment="dev", values={})
@example(files={"one.py": b"from . import two"}, links={}, environment="dev", values={})
@example(files={"one.py": NO_TEXT}, links={}, environment="dev", values={})
@example(files={"one.py": b"raise ValueError('two\\nlines')"}, links={}, environment="dev", values={})
@example(files={"one.py": FEED.replace(b"'IB'", b"env('a')")}, links={}, environment="dev", values={"a": "IB"})
@example(files={"one.py": FEED.replace(b"'route'", b"env('a')")}, links={}, environment="dev", values={"a": "gone"})
def test_any_directory_ends_in_a_graph_or_in_problems(
    files: dict[str, bytes], links: dict[str, str], environment: str | None, values: dict[str, object]
) -> None:
    before, finders, path = dict(sys.modules), list(sys.meta_path), list(sys.path)
    with tempfile.TemporaryDirectory() as folder:
        directory = write(folder, files, links)
        found = load(directory, environment, values)
        if isinstance(found, Graph):
            check_sentences(found.warnings)
            assert {each.router for each in found.inbounds.values()} <= found.routers.keys()
        else:
            assert found
            check_sentences(found)
            assert all(problem.file for problem in found)
        with suppress(ConfigurationError):
            wanted_by(directory)
        assert _shown(load(directory, environment, values)) == _shown(found), "loaded again, it is the same"
    assert (sys.meta_path, sys.path) == (finders, path)
    assert {name for name in before if sys.modules.get(name) is not before[name]} == set()
    assert [name for name in sys.modules if "configuration_" in name] == []


def _shown(found: Graph | tuple[Problem, ...]) -> object:
    if isinstance(found, Graph):
        return sorted(found.inbounds), sorted(found.outbounds), sorted(found.routers), found.warnings
    return sorted(map(str, found))
