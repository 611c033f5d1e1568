"""Settings from file, environment and command line: what wins, and what is said of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.settings import Loaded, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


class Instance:
    """A messagefoundry.toml in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "messagefoundry.toml"

    def load(
        self, text: str = "", environ: Mapping[str, str] | None = None, **command_line: Mapping[str, Any]
    ) -> Loaded:
        self.file.write_text(text)
        return load_settings(self.file, environ=environ or {}, command_line=command_line)

    def problems(self, text: str = "", environ: Mapping[str, str] | None = None, **command_line: Any) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(text, environ, **command_line)
        return [str(problem).replace(str(self.file), "FILE") for problem in caught.value.problems]

    def warnings(self, text: str = "", environ: Mapping[str, str] | None = None) -> list[str]:
        return [str(warning).replace(str(self.file), "FILE") for warning in self.load(text, environ).warnings]


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def test_defaults_are_those_of_the_specification(instance: Instance) -> None:
    settings = instance.load().settings
    assert settings.store.model_dump() == {
        "backend": "sqlite",
        "path": "./messagefoundry.db",
        "synchronous": "full",
        "server": None,
        "port": None,
        "database": None,
        "username": None,
        "password": None,
        "db_schema": None,
        "application_name": "messagefoundry",
        "encrypt": True,
        "trust_server_certificate": False,
        "tls_ca_file": None,
        "pool_size": 5,
        "connect_timeout": 15,
        "command_timeout": 30,
        "lease_ttl_seconds": 30,
    }
    assert settings.store_options() == {}
    assert settings.api.model_dump() == {"host": "127.0.0.1", "port": 8765}
    assert settings.inbound.bind_host == "127.0.0.1"
    assert settings.delivery.model_dump() == {
        "retry_max_attempts": None,
        "retry_backoff_seconds": 5,
        "retry_backoff_multiplier": 2,
        "retry_max_backoff_seconds": 300,
        "ordering": "fifo",
        "internal_error": "continue",
        "buildup_max_depth": None,
        "buildup_max_oldest_seconds": 300,
    }
    assert settings.pipeline.unsettled == 32
    assert settings.environments.model_dump() == {"dir": "environments", "base_dir": ""}
    assert settings.logging.model_dump() == {"level": "info", "format": "text"}
    assert settings.shadow.simulate_all_egress is False
    assert settings.alerts.realert_seconds == 300
    assert settings.engine.model_dump() == {"shutdown_timeout_seconds": 30, "data_dir": "."}
    assert settings.ai.model_dump() == {"environment": None, "data_class": None, "production": None}


def test_a_server_database_gets_what_was_set(instance: Instance) -> None:
    text = '[store]\nbackend = "postgres"\nserver = "db01"\npool_size = 3\n'
    settings = instance.load(text, {"MEFOR_STORE_PASSWORD": "hunter2", "MEFOR_STORE_ENCRYPT": "no"}).settings
    assert settings.store_options() == {"server": "db01", "pool_size": 3, "password": "hunter2", "encrypt": False}
    assert "hunter2" not in repr(settings)


def test_the_command_line_wins_over_the_environment_over_the_file(instance: Instance) -> None:
    text = '[api]\nhost = "127.0.0.2"\nport = 1\n[logging]\nlevel = "warning"\n[store]\npath = "a.db"\n'
    environ = {"MEFOR_API_PORT": "2", "MEFOR_LOGGING_LEVEL": "ERROR", "MEFOR_INBOUND_BIND_HOST": "10.0.0.1"}
    settings = instance.load(text, environ, api={"port": 3, "host": None}, store={}).settings
    assert (settings.api.host, settings.api.port) == ("127.0.0.2", 3)
    assert settings.logging.level == "error"
    assert settings.inbound.bind_host == "10.0.0.1"
    assert settings.store.path == "a.db"


def test_variables_are_text_and_become_what_is_asked_for(instance: Instance) -> None:
    environ = {
        "MEFOR_SHADOW_SIMULATE_ALL_EGRESS": "true",
        "MEFOR_DELIVERY_RETRY_MAX_ATTEMPTS": "3",
        "MEFOR_DELIVERY_BUILDUP_MAX_OLDEST_SECONDS": "0",
        "MEFOR_DELIVERY_BUILDUP_MAX_DEPTH": "unset",
        "MEFOR_ENGINE_SHUTDOWN_TIMEOUT_SECONDS": "1.5",
        "MEFOR_AI_PRODUCTION": "no",
    }
    settings = instance.load("", environ).settings
    assert settings.shadow.simulate_all_egress is True
    assert settings.delivery.retry_max_attempts == 3
    assert settings.delivery.buildup_max_oldest_seconds is None
    assert settings.delivery.buildup_max_depth is None
    assert settings.engine.shutdown_timeout_seconds == 1.5
    assert settings.ai.production is False


def test_a_variable_that_is_read_elsewhere_is_not_warned_of(instance: Instance) -> None:
    assert load_settings(environ={"MEFOR_DEBUG": "1"}).warnings == ()
    (warning,) = load_settings(environ={"MEFOR_DEBGU": "1"}).warnings
    assert "no such setting" in warning.text


def test_settings_are_frozen(instance: Instance) -> None:
    settings = instance.load().settings
    with pytest.raises(ValidationError):
        settings.api = settings.api  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.api.port = 1  # type: ignore[misc]


def test_the_file_of_the_working_directory_is_read_if_it_is_there(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(instance.file.parent)
    assert load_settings(environ={}).file is None
    instance.file.write_text("[api]\nport = 1\n")
    loaded = load_settings(environ={})
    assert (loaded.settings.api.port, loaded.file) == (1, instance.file)


def test_variables_of_the_process_are_not_read_behind_the_callers_back(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEFOR_API_PORT", "1")
    monkeypatch.setenv("API", '{"port": 2}')
    assert instance.load().settings.api.port == 8765


def test_a_file_that_is_named_must_be_there(instance: Instance) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(instance.file, environ={})
    assert str(caught.value) == (
        f"{instance.file}: cannot be read: No such file or directory (name the file with --service-config)"
    )


def test_a_file_that_is_not_toml(instance: Instance) -> None:
    assert instance.problems("[api\n") == [
        "FILE: is not readable as TOML: Expected ']' at the end of a table declaration (at line 1, column 5) "
        "(mend the file)"
    ]


def test_every_bad_value_at_once_with_its_place(instance: Instance) -> None:
    text = """\
[api]
port = 99999
[logging]
level = "loud"
format = "xml"
[delivery]
retry_max_attempts = 0
[store]
path = ""
synchronous = 3
[ai]
environment = "../prod"
"""
    environ = {"MEFOR_DELIVERY_RETRY_BACKOFF_SECONDS": "soon", "MEFOR_SHADOW_SIMULATE_ALL_EGRESS": "perhaps"}
    assert sorted(instance.problems(text, environ, engine={"shutdown_timeout_seconds": -1})) == sorted(
        [
            "FILE:2: [api] port: must be at most 65535 (write another value)",
            "FILE:4: [logging] level: must be one of 'debug', 'info', 'warning', 'error' or 'critical' "
            "(write another value)",
            "FILE:5: [logging] format: must be one of 'text' or 'json' (write another value)",
            "FILE:7: [delivery] retry_max_attempts: must be at least 1 (write another value)",
            "FILE:9: [store] path: must not be empty (write another value)",
            "FILE:10: [store] synchronous: must be one of 'full' or 'normal' (write another value)",
            "FILE:12: [ai] environment: must be letters, digits, '_', '.' and '-' (write another value)",
            "MEFOR_DELIVERY_RETRY_BACKOFF_SECONDS: must be a number (set MEFOR_DELIVERY_RETRY_BACKOFF_SECONDS to "
            "another value)",
            "MEFOR_SHADOW_SIMULATE_ALL_EGRESS: must be True or False (set MEFOR_SHADOW_SIMULATE_ALL_EGRESS to "
            "another value)",
            "[engine] shutdown_timeout_seconds: must be at least 0 (give another value on the command line)",
        ]
    )


def test_unknown_names_in_the_file_are_errors_that_name_the_nearest(instance: Instance) -> None:
    text = 'port = 1\n[apis]\nport = 2\n[api]\nhots = "x"\n[store.options]\nx = 1\n[store]\n[engine]\nzzz = 1\n'
    assert instance.problems(text.replace("[store]\n", "")) == [
        "FILE:1: port: stands outside of a section (put it below the [section] that it belongs to)",
        "FILE:2: [apis]: there is no such section (did you mean 'api'?)",
        "FILE:5: [api] hots: there is no such key (did you mean 'host'?)",
        "FILE:6: [store] options: there is no such key",
        "FILE:9: [engine] zzz: there is no such key (known are data_dir, shutdown_timeout_seconds)",
    ]


def test_an_unknown_variable_is_warned_of(instance: Instance) -> None:
    assert instance.warnings("", {"MEFOR_API_PROT": "1", "MEFOR_VALUE_X": "1", "PATH": "x"}) == [
        "MEFOR_API_PROT: there is no such setting; the variable has no effect (did you mean 'MEFOR_API_PORT'?)"
    ]


def test_problems_of_all_sources_come_together(instance: Instance) -> None:
    problems = instance.problems("[api]\nport = 'x'\nhots = 1\n", {"MEFOR_EGRESS_DENY_BY_DEFAULT": "true"})
    assert len(problems) == 3


def test_paths_are_resolved(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = instance.file.parent
    monkeypatch.chdir(folder)
    assert Settings().store_path() == folder / "messagefoundry.db"
    assert Settings().values_path("dev") == folder / "environments" / "dev.toml"
    settings = instance.load(
        '[engine]\ndata_dir = "data"\n[environments]\nbase_dir = "/srv/acme"\ndir = "env"\n'
    ).settings
    assert settings.store_path() == folder / "data" / "messagefoundry.db"
    assert settings.data_path("/var/lib/x.db") == Path("/var/lib/x.db")
    assert settings.values_path("prod") == Path("/srv/acme/env/prod.toml")
