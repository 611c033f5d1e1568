"""Keys of the published settings that this release does not act on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.settings.catalogue import UNBUILT, Unbuilt
from messagefoundry.settings.judge import BUILT, judge_environment, judge_file
from tests.settings.test_load import Instance

if TYPE_CHECKING:
    from pathlib import Path

DANGER = "is not supported yet in this release, and leaving out what it protects would be a danger"
NO_EFFECT = "is not supported yet in this release and has no effect"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


PROTECTIVE = {
    '[store]\nkey_provider = "vault"': "[store] key_provider",
    "[store]\nrequire_encryption = true": "[store] require_encryption",
    '[egress]\nallowed_mllp = ["lab"]': "[egress] allowed_mllp",
    "[egress]\ndeny_by_default = true": "[egress] deny_by_default",
    '[api]\ntls_cert_file = "x.pem"': "[api] tls_cert_file",
    '[api]\ntls_min_version = "1.3"': "[api] tls_min_version",
    '[api]\ntrusted_proxies = ["10.0.0.1"]': "[api] trusted_proxies",
    "[api]\ntls_terminated_upstream = true": "[api] tls_terminated_upstream",
    "[auth]\nenabled = false": "[auth] enabled",
    "[auth]\nrequire_mfa = true": "[auth] require_mfa",
    "[approvals]\nenabled = true": "[approvals] enabled",
    "[cluster]\nenabled = true": "[cluster] enabled",
}


@pytest.mark.parametrize("text", PROTECTIVE)
def test_a_protective_key_is_refused(instance: Instance, text: str) -> None:
    assert instance.problems(text) == [
        f"FILE:2: {PROTECTIVE[text]}: {DANGER} (remove it, or wait with this deployment)"
    ]


def test_a_protective_variable_is_refused_without_its_value(instance: Instance) -> None:
    environ = {"MEFOR_STORE_ENCRYPTION_KEY": "c2VjcmV0", "MEFOR_EGRESS_ALLOWED_DB": "sql01"}
    assert instance.problems("", environ) == [
        f"MEFOR_EGRESS_ALLOWED_DB: {DANGER} (remove it, or wait with this deployment)",
        f"MEFOR_STORE_ENCRYPTION_KEY: {DANGER} (remove it, or wait with this deployment)",
    ]


def test_a_harmless_key_is_warned_of(instance: Instance) -> None:
    text = "[retention]\nmessages_days = 30\n[[alerts.rules]]\nseverity = 'info'\n"
    assert instance.warnings(text, {"MEFOR_LOGGING_FORWARD_ENABLED": "true"}) == [
        f"FILE:2: [retention] messages_days: {NO_EFFECT}",
        f"FILE:3: [alerts] rules: {NO_EFFECT}",
        f"MEFOR_LOGGING_FORWARD_ENABLED: {NO_EFFECT}",
    ]


def test_a_secret_in_the_file_is_warned_of_and_not_shown(instance: Instance) -> None:
    warnings = instance.warnings('[alerts]\nemail_password = "hunter2"\n')
    assert warnings == [
        "FILE:2: [alerts] email_password: is a secret, and a file is read by more people than it is meant for "
        "(take it out of the file and set MEFOR_ALERTS_EMAIL_PASSWORD)",
        f"FILE:2: [alerts] email_password: {NO_EFFECT}",
    ]
    problems = instance.problems('[store]\nencryption_key = "hunter2"\n')
    assert "hunter2" not in "".join([*warnings, *problems])


def test_the_password_of_the_store_is_taken_from_the_environment_alone(instance: Instance) -> None:
    assert instance.problems('[store]\npassword = "hunter2"\n') == [
        "FILE:2: [store] password: is a secret, and a file is read by more people than it is meant for "
        "(take it out of the file and set MEFOR_STORE_PASSWORD)",
    ]


def toml(value: Any) -> str:
    return json.dumps(value)


@pytest.mark.parametrize("key", sorted(UNBUILT))
def test_every_key_at_its_default_is_taken_in_silence(instance: Instance, key: tuple[str, str]) -> None:
    unbuilt = UNBUILT[key]
    variable = f"MEFOR_{unbuilt.section}_{unbuilt.key}".upper()
    default = "" if unbuilt.default is None else unbuilt.default
    as_text = ",".join(default) if isinstance(default, list) else str(default)
    assert judge_environment({variable: as_text}).problems == []
    if unbuilt.default is not None:
        judged = judge_file({unbuilt.section: {unbuilt.key: unbuilt.default}}, lambda *_: ("f", 1))
        assert (judged.problems, judged.warnings) == ([], [])


@pytest.mark.parametrize("key", sorted(UNBUILT))
def test_every_key_beside_its_default_is_refused_or_warned_of(key: tuple[str, str]) -> None:
    unbuilt = UNBUILT[key]
    other = not unbuilt.default if isinstance(unbuilt.default, bool) else "something else"
    judged = judge_file({unbuilt.section: {unbuilt.key: other}}, lambda *_: ("f", 1))
    if unbuilt.protective:
        assert [problem.text for problem in judged.problems] == [DANGER]
    else:
        assert judged.problems == []
        assert judged.warnings[-1].text == NO_EFFECT


def test_no_key_is_both_built_and_not() -> None:
    assert not BUILT & set(UNBUILT)


@pytest.mark.parametrize("section", ["store", "egress", "shadow", "auth", "approvals"])
def test_what_protects_is_known_as_such(section: str) -> None:
    """Keys of the sections that semantics.md calls protective; the harmless ones of [store] are those of servers."""
    servers = {"server", "port", "database", "auth", "username", "password", "pool_size", "connect_timeout"}
    servers |= {"command_timeout", "db_schema", "application_name", "lease_ttl_seconds"}
    harmless = {key for (each, key), it in UNBUILT.items() if each == section and not it.protective}
    assert harmless <= servers


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        (False, "false", True),
        (False, "0", True),
        (False, "true", False),
        (True, "", False),
        (None, "", True),
        (None, "x", False),
        ([], "", True),
        ([], "a", False),
        (["a", "b"], "a,b", True),
        (["a", "b"], "a", False),
        (5, "5", True),
        (5, 5, True),
        (5, "6", False),
        ("auto", "auto", True),
        ("auto", "env", False),
        (False, False, True),
    ],
)
def test_what_counts_as_the_default(default: object, value: object, expected: bool) -> None:
    assert Unbuilt("s", "k", default).says_default(value) is expected
