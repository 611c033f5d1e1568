"""What an environment is called decides what an instance may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.settings import Posture, check_posture, load_settings, posture_of
from messagefoundry.settings.posture import is_loopback

if TYPE_CHECKING:
    from messagefoundry.settings.model import Settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(environment: str | None = None, **sections: Any) -> Settings:
    ai = {"environment": environment, **sections.pop("ai", {})}
    return load_settings(environ={}, command_line={"ai": ai, **sections}).settings


def sentences(**sections: Any) -> tuple[list[str], list[str]]:
    these = settings(**sections)
    findings = check_posture(these, posture_of(these))
    return [str(each) for each in findings.refusals], [str(each) for each in findings.warnings]


@pytest.mark.parametrize(
    ("environment", "phi", "production"), [("dev", False, False), ("staging", True, False), ("prod", True, True)]
)
def test_known_environments(environment: str, phi: bool, production: bool) -> None:
    assert posture_of(settings(environment)) == Posture(environment, phi, production)


def test_what_is_said_wins_over_what_is_derived() -> None:
    assert posture_of(settings("dev", ai={"data_class": "PHI", "production": True})) == Posture("dev", True, True)
    assert posture_of(settings("prod", ai={"production": False})) == Posture("prod", True, False)


def test_no_environment_is_an_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        posture_of(settings())
    assert str(caught.value) == (
        "no environment is chosen, and there is no default for it "
        '(start with --env dev, or set environment = "dev" under [ai] in messagefoundry.toml)'
    )


def test_another_name_must_say_both() -> None:
    with pytest.raises(ConfigurationError) as caught:
        posture_of(settings("poc"))
    text = "the environment 'poc' is none of dev, staging and prod, so this must be said"
    assert [str(problem) for problem in caught.value.problems] == [
        "there is no environments/poc.toml; there are dev, prod, staging",
        f'[ai] data_class: {text} (set data_class = "synthetic" or "phi" under [ai], or MEFOR_AI_DATA_CLASS)',
        f"[ai] production: {text} (set production = true or false under [ai], or MEFOR_AI_PRODUCTION)",
    ]
    with pytest.raises(ConfigurationError, match=r"production.toml; .* \(did you mean 'prod'\?\)"):
        posture_of(settings("production"))
    assert posture_of(settings("poc", ai={"data_class": "synthetic", "production": False})).phi is False


def test_a_posture_says_what_it_is() -> None:
    assert str(posture_of(settings("prod"))) == "prod (patient data, production)"
    assert str(posture_of(settings("dev"))) == "dev (synthetic data)"


def test_development_starts_without_a_word() -> None:
    assert sentences(environment="dev") == ([], [])
    assert sentences(environment="dev", logging={"level": "debug"}) == ([], [])


def test_patient_data_outside_of_production_may_be_debugged() -> None:
    assert sentences(environment="staging", logging={"level": "debug"})[0] == []


def test_production_refuses_all_at_once_each_with_its_mend() -> None:
    refusals, _ = sentences(environment="prod", logging={"level": "debug"}, api={"host": "0.0.0.0"})
    assert refusals == [
        "[logging] level: production (prod) does not run at debug: the log could carry patient data "
        '(set level = "info", or --log-level info)',
        "[api] host: 0.0.0.0 can be reached from the network, and this release has no accounts to protect it "
        '(set host = "127.0.0.1", and reach it through an SSH tunnel)',
    ]


def test_the_api_stays_on_loopback_in_every_environment() -> None:
    assert len(sentences(environment="dev", api={"host": "10.0.0.1"})[0]) == 1
    assert sentences(environment="dev", api={"host": "::1"})[0] == []


def test_patient_data_is_warned_of() -> None:
    _, warnings = sentences(environment="staging", store={"synchronous": "normal"})
    assert [warning.partition(":")[0] for warning in warnings] == ["[store]", "[egress]", "[store] synchronous"]


def test_a_shadow_in_production_is_warned_of() -> None:
    _, warnings = sentences(environment="prod", shadow={"simulate_all_egress": True})
    assert warnings[-1] == "[shadow] simulate_all_egress: nothing is delivered to any partner (unset it to go live)"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("lab", False)],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
