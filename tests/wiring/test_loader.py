"""Loading modules: which ones, in what order, what is refused, and that nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import Installed
from messagefoundry.wiring.load import load_graph
from messagefoundry.wiring.loader import load_modules

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wiring.conftest import Configuration

FEED = 'inbound("IB", Pipe(port=1), router="adt")\noutbound("OB_LAB", Drop(password="x"))'


def refusal(directory: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_modules(directory)
    return [str(problem) for problem in caught.value.problems]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    (sentence,) = refusal(tmp_path / "config")
    assert sentence == f"{tmp_path}/config: does not exist (name the directory of your configuration with --config)"


def test_a_file_is_not_a_directory(tmp_path: Path) -> None:
    file = tmp_path / "feed.py"
    file.touch()
    assert refusal(file) == [f"{file}: is not a directory (name the directory of your configuration with --config)"]


def test_a_directory_without_modules(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").touch()
    assert refusal(tmp_path) == [f"{tmp_path}: has no module (*.py) to load (messagefoundry init writes a first one)"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_directory_that_others_may_write_is_refused(configuration: Configuration, mode: int) -> None:
    configuration.write("feed.py", "raise SystemExit('this ran')")
    configuration.directory.chmod(mode)
    assert configuration.problems() == [
        f"{configuration.directory}: may be written by other users, and its code runs as this one "
        f"(chmod go-w '{configuration.directory}')"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_modules_that_others_may_write_are_refused_those_of_a_package_too(configuration: Configuration) -> None:
    configuration.feed(FEED).chmod(0o664)
    package = configuration.directory / "shared"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tables.py").touch()
    (package / "tables.py").chmod(0o666)
    text = "may be written by other users, and its code runs as this one"
    assert configuration.problems() == [
        f"feed.py: {text} (chmod go-w '{configuration.directory}/feed.py')".replace(f"{configuration.directory}/", ""),
        f"shared/tables.py: {text} (chmod go-w 'shared/tables.py')",
    ]


def test_modules_load_in_order_without_folders_and_underscores(configuration: Configuration) -> None:
    for name in ("b.py", "a.py", "_c.py"):
        configuration.write(name, "from messagefoundry import router\nrouter(__name__[-1])(print)\n")
    folder = configuration.directory / "below"
    folder.mkdir()
    (folder / "d.py").write_text("raise SystemExit\n")
    record = load_modules(configuration.directory)
    assert [router.name for router in record.routers] == ["a", "b"]


def test_neighbours_are_imported_once_by_whatever_name(configuration: Configuration) -> None:
    configuration.write("_tables.py", "from _deeper import depth\nCODES = {'a': depth}\n")
    configuration.write("_deeper.py", "from messagefoundry import router\nrouter('deep')(print)\ndepth = 3\n")
    configuration.write("json.py", "VALUE = 1\n")
    package = configuration.directory / "shared"
    package.mkdir()
    (package / "__init__.py").write_text("from . import inner\n")
    (package / "inner.py").write_text("LEVEL = 2\n")
    configuration.write(
        "feed.py",
        "import json\nimport _tables\nfrom . import _tables as again\nfrom shared.inner import LEVEL\n"
        "from ._deeper import depth\nfrom second import VALUE\n"
        "assert json.loads('1') == 1\nassert _tables is again\nassert (LEVEL, depth, VALUE) == (2, 3, 4)\n",
    )
    configuration.write("second.py", "from messagefoundry import router\nrouter('second')(print)\nVALUE = 4\n")
    record = load_modules(configuration.directory)
    assert record.problems == []
    assert [router.name for router in record.routers] == ["deep", "second"]


def test_modules_that_import_each_other_in_a_circle(configuration: Configuration) -> None:
    configuration.write("a.py", "import b\nfrom . import _c\n")
    configuration.write("b.py", "import a\n")
    configuration.write("_c.py", "")
    assert load_modules(configuration.directory).problems == []


def test_nothing_is_left_in_the_interpreter_or_on_disk(configuration: Configuration) -> None:
    configuration.write("_shared.py", "")
    configuration.feed("import _shared\n" + FEED)
    configuration.load()  # imports what the engine itself needs, which stays
    before = (set(sys.modules), list(sys.path), list(sys.meta_path))
    configuration.load()
    assert (set(sys.modules), list(sys.path), list(sys.meta_path)) == before
    assert sorted(path.name for path in configuration.directory.iterdir()) == ["_shared.py", "feed.py"]


def test_a_module_of_the_same_name_elsewhere_keeps_its_place(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = type(sys)("_shared")
    monkeypatch.setitem(sys.modules, "_shared", other)
    configuration.write("_shared.py", "MINE = True\n")
    configuration.write("feed.py", "from _shared import MINE\n")
    assert load_modules(configuration.directory).problems == []
    assert sys.modules["_shared"] is other


def test_a_reload_sees_the_code_as_it_is_now(configuration: Configuration) -> None:
    configuration.write("_shared.py", "TARGET = 'A'\n")
    configuration.feed(FEED + "\nfrom _shared import TARGET", routes="@router('adt')\ndef route(msg): return TARGET")
    first = configuration.load()
    configuration.write("_shared.py", "TARGET = 'B'\n")
    second = configuration.load()
    assert first.routers["adt"].function(None) == "A"
    assert second.routers["adt"].function(None) == "B"


def test_a_module_that_raises_is_named_with_the_authors_line(configuration: Configuration) -> None:
    configuration.write("_shared.py", "import json\ndef read(text):\n    return json.loads(text)\n")
    configuration.write("a.py", "from _shared import read\nread('{')\n")
    configuration.write("b.py", "raise SystemExit(3)\n")
    configuration.write("c.py", "assert False\n")
    configuration.feed(FEED)
    assert configuration.problems() == [
        "_shared.py:3: the module stopped with JSONDecodeError: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)",
        "b.py:1: the module stopped with SystemExit: 3",
        "c.py:1: the module stopped with AssertionError",
    ]


def test_a_module_that_failed_is_not_run_again_for_its_neighbour(configuration: Configuration) -> None:
    configuration.feed(FEED + "\nraise ValueError('early')")
    configuration.write("other.py", "from feed import inbound\n")
    assert configuration.problems() == ["feed.py:7: the module stopped with ValueError: early"]


def test_names_of_a_module_that_failed_are_not_missed(configuration: Configuration) -> None:
    configuration.feed(FEED, routes="")
    configuration.write("routes.py", "1 / 0\n")
    assert configuration.problems() == ["routes.py:1: the module stopped with ZeroDivisionError: division by zero"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("from messagefoundry import Sftp", "the connector Sftp is not available in this release"),
        ("from messagefoundry import db_lookup", "db_lookup is not supported yet in this release"),
        (
            "from messagefoundry import outbond",
            "cannot import name 'outbond' from 'messagefoundry'",
        ),
        (
            "import messagefoundry_sftp",
            "ModuleNotFoundError: No module named 'messagefoundry_sftp' (it is not available in this release)",
        ),
        ("\0", "SyntaxError: source code string cannot contain null bytes (mend the line)"),
    ],
)
def test_an_import_that_fails(configuration: Configuration, line: str, sentence: str) -> None:
    configuration.write("feed.py", line + "\n")
    (problem,) = configuration.problems()
    assert problem.startswith("feed.py")
    assert sentence in problem


def test_a_mistyped_authoring_name_is_answered_with_the_nearest(configuration: Configuration) -> None:
    configuration.write("feed.py", "from messagefoundry import outbond\n")
    (problem,) = configuration.problems()
    assert "did you mean 'outbound'?" in problem


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("from messagefoundry import SFTP", "did you mean 'Sftp'? the connector Sftp is not available in this release"),
        ("from messagefoundry import MLPP", "did you mean 'MLLP'?)"),
        ("File(directory='out')", "NameError: name 'File' is not defined (from messagefoundry import File)"),
        ("@handler('lab')\ndef lab(msg): ...", "'handler' is not defined (from messagefoundry import handler)"),
        ("patient_of('x')", "name 'patient_of' is not defined"),
    ],
)
def test_a_name_of_the_engine_that_is_not_there(configuration: Configuration, line: str, sentence: str) -> None:
    configuration.write("feed.py", line + "\n")
    (problem,) = configuration.problems()
    assert sentence in problem
    assert "import patient_of" not in problem


def test_a_relative_directory(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration.feed(FEED)
    monkeypatch.chdir(configuration.directory.parent)
    graph = load_graph("config", installed=configuration.installed, environment=None, values={})
    assert graph.inbounds["IB"].place.file == str(configuration.directory / "feed.py")


def test_loading_needs_no_transport_and_no_database(configuration: Configuration) -> None:
    configuration.write("feed.py", "from messagefoundry import router\n@router('adt')\ndef route(msg): return None\n")
    program = (
        "import sys\nfrom pathlib import Path\nfrom messagefoundry.wiring.loader import load_modules\n"
        f"load_modules(Path({str(configuration.directory)!r}))\n"
        "assert not {'trio', 'sqlalchemy', 'quart'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_installed_is_what_problems_are_judged_by(configuration: Configuration) -> None:
    configuration.installed = Installed()
    configuration.feed('outbound("OB_LAB", Drop(password="x"))')
    assert configuration.problems() == ["feed.py:5: OB_LAB: no installed plugin has the connector 'Drop'"]
