"""env(), its files and variables, and current_environment()."""

from __future__ import annotations

import operator
import threading
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.environment import active_environment, casted, current_environment, env
from messagefoundry.wiring.environments import read_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.wiring.conftest import Configuration


def test_values_reach_options_wherever_they_stand(configuration: Configuration) -> None:
    configuration.values = {"host": "lab", "port": "2576", "nets": ["10.0.0.0/8"], "owner": "ward", "on": "false"}
    configuration.feed("""
inbound("IB", Pipe(port=env("port")), router="adt", source_ip_allowlist=env("nets"), metadata={"by": env("owner")})
outbound("OB", Pipe(host=env("host"), port=env("port", cast=int)), deployed=env("on"))
outbound("OB_2", Pipe(host=env("nowhere", default="fallback"), port=env("no_port", default=9)), simulate=True)
""")
    graph = configuration.load()
    assert graph.inbounds["IB"].settings.listens_on() == 2576
    assert [str(network) for network in graph.inbounds["IB"].source_ip_allowlist] == ["10.0.0.0/8"]
    assert graph.inbounds["IB"].metadata == {"by": "ward"}
    assert graph.outbounds["OB"].endpoint() == "lab:2576"
    assert graph.outbounds["OB"].deployed is False
    assert graph.outbounds["OB_2"].endpoint() == "fallback:9"


def test_an_undefined_key_names_where_to_set_it(configuration: Configuration) -> None:
    configuration.values = {"acme_host": "h"}
    configuration.deployment = Deployment(values_path="/repo/environments/dev.toml")
    configuration.feed("""
outbound("OB", Pipe(host=env("acme_hots"), port=env("acme_port")), simulate=env("shadow"))
""")
    place = "/repo/environments/dev.toml or the variable MEFOR_VALUE_"
    assert configuration.problems() == [
        f"feed.py:6: OB: option 'simulate': env('shadow') has no value in the environment dev "
        f"(set shadow in {place}SHADOW)",
        f"feed.py:6: OB: option 'host' of Pipe: env('acme_hots') has no value in the environment dev "
        f"(did you mean 'acme_host'? else set acme_hots in {place}ACME_HOTS)",
        f"feed.py:6: OB: option 'port' of Pipe: env('acme_port') has no value in the environment dev "
        f"(did you mean 'acme_host'? else set acme_port in {place}ACME_PORT)",
    ]


def test_without_an_environment_the_mend_is_to_choose_one(configuration: Configuration) -> None:
    configuration.environment = None
    configuration.feed('outbound("OB", Pipe(port=env("port")))')
    assert configuration.problems() == [
        "feed.py:5: OB: option 'port' of Pipe: env('port') has no value and no environment is chosen "
        "(choose one with --env, or set the variable MEFOR_VALUE_PORT)"
    ]


def test_a_cast_that_fails_does_not_show_the_value(configuration: Configuration) -> None:
    configuration.values = {"port": "hunter2"}
    configuration.feed('outbound("OB", Pipe(port=env("port", cast=int)))')
    assert configuration.problems() == [
        "feed.py:5: OB: option 'port' of Pipe: the value of env('port') must be a whole number "
        "(set the variable MEFOR_VALUE_PORT)"
    ]


@pytest.mark.parametrize(
    ("value", "cast", "expected"),
    [
        ("12", int, 12),
        (12, int, 12),
        ("1.5", float, 1.5),
        (2, float, 2.0),
        ("TRUE", bool, True),
        ("off", bool, False),
        (False, bool, False),
        (7, str, "7"),
    ],
)
def test_casts(value: object, cast: object, expected: object) -> None:
    assert casted(value, cast) == expected


@pytest.mark.parametrize(("value", "cast"), [("x", int), ("maybe", bool), (3, bool), ("x", float), ([1], int)])
def test_casts_that_fail(value: object, cast: object) -> None:
    with pytest.raises(ValueError, match=r"a whole number|a number|true or false"):
        casted(value, cast)


def test_a_key_and_a_cast_that_cannot_be(configuration: Configuration) -> None:
    configuration.values = {"ACME": 1, "port": 1}
    configuration.feed('outbound("OB", Pipe(port=env("ACME")))\noutbound("OB_2", Pipe(port=env("port", cast=list)))')
    assert configuration.problems() == [
        "feed.py:5: env('ACME'): a key of env() is lower_snake_case (write it like 'acme_adt_host')",
        "feed.py:6: env('port'): cast= is int, float, bool or str (use one of these, or none)",
    ]


@pytest.mark.parametrize(
    "use",
    [bool, str, int, float, len, list, "{}".format, lambda it: it == "prod", lambda it: it + ":1", lambda it: f"{it}"],
)
def test_a_reference_used_as_its_value_says_so(use: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"env\('face'\) stands for a value .* use current_environment\(\)"):
        use(env("face"))


def test_a_reference_used_while_loading_is_a_problem_at_its_line(configuration: Configuration) -> None:
    configuration.feed('HOST = "http://" + env("host")')
    (problem,) = configuration.problems()
    assert problem.startswith("feed.py:5: the module stopped with UsedTooEarlyError: env('host') stands for a value")


def test_a_reference_shows_its_key_to_debuggers() -> None:
    assert repr(env("acme_host")) == "env('acme_host')"
    assert operator.is_not(env("a"), None)


def test_the_active_environment_is_known_while_loading_and_in_threads(configuration: Configuration) -> None:
    configuration.environment = "staging"
    configuration.feed('outbound(f"OB_{current_environment()}", Drop(password="x"))')
    assert set(configuration.load().outbounds) == {"OB_staging"}
    assert current_environment() is None
    with active_environment("prod"):
        assert current_environment() == "prod"
        other: list[str | None] = []
        thread = threading.Thread(target=lambda: other.append(current_environment()))
        thread.start()
        thread.join()
    assert other == [None], "a bare thread has no context: the engine's threads are started with the task's"


def test_values_of_the_file_are_overlaid_by_variables(tmp_path: Path) -> None:
    file = tmp_path / "dev.toml"
    file.write_text('host = "lab"\nport = 2575\n')
    values, problems = read_values(file, {"MEFOR_VALUE_PORT": "99", "MEFOR_VALUE_SECRET": "x", "MEFOR_API_PORT": "1"})
    assert values == {"host": "lab", "port": "99", "secret": "x"}
    assert problems == []


def test_a_file_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert read_values(tmp_path / "dev.toml", {}) == ({}, [])
    assert read_values(None, {}) == ({}, [])


def test_a_file_that_is_not_flat(tmp_path: Path) -> None:
    file = tmp_path / "dev.toml"
    file.write_text('Acme-Host = "x"\nport = 1\n[acme]\nhost = "y"\n')
    values, problems = read_values(file, {})
    assert values["port"] == 1
    assert [str(problem) for problem in problems] == [
        f"{file}: Acme-Host: keys are lower_snake_case (write it like acme_adt_host)",
        f"{file}: [acme]: is a table, but the file is flat (write key = value lines alone)",
    ]


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "dev.toml"
    file.write_text("host = \n")
    with pytest.raises(ConfigurationError) as caught:
        read_values(file, {})
    assert str(caught.value) == f"{file}: is not readable as TOML: Invalid value (at line 1, column 8) (mend the file)"
