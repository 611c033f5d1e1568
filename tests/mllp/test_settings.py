from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from messagefoundry.contracts import load
from messagefoundry.contracts.settings import Direction, Surroundings
from messagefoundry_mllp import MLLP, Tcp, plugin
from messagefoundry_mllp.framing import Framing
from messagefoundry_mllp.settings import MLLPSettings, StreamSettings, TcpSettings

if TYPE_CHECKING:
    from .certificates import Authority


def problems(settings: StreamSettings, direction: Direction = "outbound", **around: object) -> list[str]:
    surroundings = Surroundings(direction, **around)  # type: ignore[arg-type]
    return [f"{text} | {mend}" for text, mend in settings.problems(surroundings)]


def test_defaults_are_those_of_the_published_interface() -> None:
    settings = MLLPSettings(port=2575)

    assert settings.model_dump() == {
        "host": None,
        "port": 2575,
        "encoding": "utf-8",
        "max_connections": 256,
        "receive_timeout": 60,
        "max_frame_bytes": 16 * 1024 * 1024,
        "max_messages_per_second": None,
        "message_burst": None,
        "reply_from": None,
        "reply_timeout": 30,
        "batch_ack": "all",
        "connect_timeout": 10,
        "timeout_seconds": 30,
        "no_ack": False,
        "nak": {},
        "persistent": True,
        "idle_timeout_seconds": 60,
        "max_connection_age_seconds": None,
        "encoding_characters": None,
        "hl7_raw_separators": False,
        "capture_response": False,
        "verify_ack_control_id": True,
        "send_min_interval_seconds": None,
        "reingress_to": None,
        "tls": False,
        "tls_cert_file": None,
        "tls_key_file": None,
        "tls_key_password": None,
        "tls_ca_file": None,
        "tls_verify": True,
        "tls_check_hostname": True,
        "tls_allow_expired": False,
    }


def test_raw_tcp_has_the_options_of_streams_and_its_own() -> None:
    names = set(TcpSettings.model_fields)

    assert names - set(StreamSettings.model_fields) == {"framing", "start", "end", "trailer", "expect_reply"}
    assert not TcpSettings(port=1).expect_reply


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1},
        {"port": 65_536},
        {"port": "smtp"},
        {"host": ""},
        {"encoding": "utf-16"},
        {"encoding": "klingon"},
        {"max_connections": 0},
        {"receive_timeout": 0},
        {"receive_timeout": float("nan")},
        {"timeout_seconds": -1},
        {"timeout_seconds": float("inf")},
        {"max_frame_bytes": 0},
        {"max_messages_per_second": 0},
        {"message_burst": 0},
        {"nak": {"AE": "ignore"}},
        {"nak": {"AA": "retry"}},
        {"encoding_characters": "|^~"},
        {"encoding_characters": "|^~\\|"},
        {"encoding_characters": "a^~\\&"},
        {"encoding_characters": "|^~\\\x07"},
        {"send_min_interval_seconds": 0},
        {"tls_cert_file": ""},
        {"no_such_option": 1},
    ],
)
def test_values_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        MLLPSettings.model_validate({"port": 2575, **wrong})
    assert [error["loc"][0] for error in caught.value.errors()] == list(wrong)


def test_values_of_the_environment_may_be_text() -> None:
    settings = MLLPSettings.model_validate({"port": "2575", "persistent": "false", "receive_timeout": "5"})

    assert (settings.port, settings.persistent, settings.receive_timeout) == (2575, False, 5)


def test_a_password_is_shown_nowhere() -> None:
    settings = MLLPSettings(port=1, tls_key_password="open sesame")
    with pytest.raises(ValidationError) as caught:
        MLLPSettings.model_validate({"port": 1, "tls_key_password": ["open sesame"]})

    assert "sesame" not in repr(settings) + str(settings) + str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Framing(b"\x02", b"\x03")),
        ({"framing": "vt_fs"}, Framing(b"\x0b", b"\x1c")),
        ({"framing": "mllp"}, Framing(b"\x0b", b"\x1c", b"\r")),
        ({"start": 1, "end": b"\x04", "trailer": "\r\n"}, Framing(b"\x01", b"\x04", b"\r\n")),
        ({"framing": "mllp", "trailer": b""}, Framing(b"\x0b", b"\x1c")),
        ({"start": "", "end": "\xff"}, Framing(b"", b"\xff")),
    ],
)
def test_raw_tcp_takes_a_named_framing_or_bytes(options: dict[str, object], expected: Framing) -> None:
    assert TcpSettings.model_validate({"port": 1, **options}).block_format() == expected


@pytest.mark.parametrize("wrong", [{"end": b""}, {"start": 256}, {"start": "€"}, {"framing": "xml"}])
def test_framings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TcpSettings.model_validate({"port": 1, **wrong})


def test_sound_settings_have_no_problems() -> None:
    assert problems(MLLPSettings(port=2575), "inbound") == []
    assert problems(MLLPSettings(host="lab", port=2575)) == []
    assert problems(TcpSettings(port=6000), "inbound", bind_host="localhost") == []


def test_a_host_on_an_inbound_is_a_mistake() -> None:
    (problem,) = problems(MLLPSettings(host="0.0.0.0", port=2575), "inbound")

    assert "[inbound] bind_host" in problem


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (MLLPSettings(port=2575), "needs a host"),
        (MLLPSettings(host="mllp://lab", port=2575), "without scheme"),
        (MLLPSettings(host="lab", port=0), "needs a port"),
        (MLLPSettings(port=1, host="lab", message_burst=5), "message_burst belongs to an inbound"),
        (MLLPSettings(port=1, host="lab", max_connections=5), "max_connections belongs to an inbound"),
        (MLLPSettings(port=1, host="lab", reply_from="OB"), "reply_from belongs to an inbound"),
        (MLLPSettings(port=1, host="lab", batch_ack="errors"), "batch_ack belongs to an inbound"),
        (MLLPSettings(port=1, host="lab", no_ack=True, timeout_seconds=5), "timeout_seconds has no meaning"),
        (MLLPSettings(port=1, host="lab", tls_ca_file="/ca.pem"), "tls_ca_file is given, but TLS is off"),
    ],
)
def test_problems_of_an_outbound_are_named(settings: MLLPSettings, expected: str) -> None:
    assert any(expected in problem for problem in problems(settings))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (MLLPSettings(port=1, no_ack=True), "no_ack belongs to an outbound"),
        (MLLPSettings(port=1, timeout_seconds=5), "timeout_seconds belongs to an outbound"),
        (MLLPSettings(port=1, nak={"AE": "dead"}), "nak belongs to an outbound"),
        (MLLPSettings(port=1, tls_verify=False), "tls_verify belongs to an outbound"),
        (MLLPSettings(port=1, message_burst=5), "without max_messages_per_second"),
        (MLLPSettings(port=1, batch_ack="errors", reply_from="OB"), "batch_ack has no meaning with reply_from"),
        (MLLPSettings(port=1, tls=True), "TLS on an inbound needs a certificate"),
        (TcpSettings(port=1, expect_reply=True), "expect_reply belongs to an outbound"),
    ],
)
def test_problems_of_an_inbound_are_named(settings: StreamSettings, expected: str) -> None:
    assert any(expected in problem for problem in problems(settings, "inbound"))


def test_an_option_of_the_other_direction_left_at_its_default_is_harmless() -> None:
    assert problems(MLLPSettings(port=1, persistent=True, nak={}), "inbound") == []


@pytest.mark.parametrize("settings", [MLLPSettings(port=1), TcpSettings(port=1)])
def test_plaintext_beyond_this_machine_needs_a_decision(settings: StreamSettings) -> None:
    (problem,) = problems(settings, "inbound", bind_host="0.0.0.0")

    assert "--allow-insecure-bind" in problem
    assert "tls=True" in problem
    assert problems(settings, "inbound", bind_host="0.0.0.0", allow_insecure_bind=True) == []
    for loopback in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert problems(settings, "inbound", bind_host=loopback) == []


def test_tls_may_be_bound_anywhere(authority: Authority) -> None:
    certificate, key = authority.issue()
    settings = MLLPSettings(port=1, tls=True, tls_cert_file=certificate, tls_key_file=key)

    assert problems(settings, "inbound", bind_host="0.0.0.0") == []


def test_replies_go_where_they_are_to_go() -> None:
    assert MLLPSettings(port=1, capture_response=True, reingress_to="IB").reply_target() == "IB"
    assert TcpSettings(port=1).reply_target() is None


def with_tls(**files: str | None) -> list[str]:
    return problems(MLLPSettings.model_validate({"host": "lab", "port": 1, "tls": True, **files}))


def test_certificates_that_work_have_no_problems(authority: Authority) -> None:
    certificate, key = authority.issue()

    assert with_tls(tls_cert_file=certificate, tls_key_file=key, tls_ca_file=authority.ca_file) == []


@pytest.mark.parametrize("option", ["tls_cert_file", "tls_ca_file"])
def test_a_certificate_file_must_exist_and_hold_one(tmp_path: Path, option: str) -> None:
    (missing,) = with_tls(**{option: str(tmp_path / "none.pem")})
    assert f"{option} {tmp_path}/none.pem cannot be read: No such file" in missing

    (tmp_path / "empty.pem").write_text("nothing")
    (empty,) = with_tls(**{option: str(tmp_path / "empty.pem")})
    assert f"{option} {tmp_path}/empty.pem holds no PEM certificate" in empty


def test_a_key_must_belong_to_its_certificate(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue()
    _, other = authority.issue("other.example.org")
    (tmp_path / "broken.key").write_text("nothing")

    (alien,) = with_tls(tls_cert_file=certificate, tls_key_file=other)
    assert f"the key in {other} does not belong to tls_cert_file" in alien
    for useless in (tmp_path / "broken.key", None):
        (broken,) = with_tls(tls_cert_file=certificate, tls_key_file=str(useless) if useless else None)
        assert "cannot be loaded" in broken
    (alone,) = with_tls(tls_key_file=key)
    assert "without tls_cert_file" in alone


def test_an_encrypted_key_needs_its_password(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate, key = authority.issue()
    plain = load_pem_private_key(Path(key).read_bytes(), None)
    sealed = tmp_path / "sealed.key"
    sealed.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")))

    assert with_tls(tls_cert_file=certificate, tls_key_file=str(sealed), tls_key_password="open sesame") == []
    for password in ("wrong password", None):
        (problem,) = with_tls(tls_cert_file=certificate, tls_key_file=str(sealed), tls_key_password=password)
        assert "tls_key_password" in problem


def test_a_certificate_must_be_valid_now(authority: Authority) -> None:
    for since, days, expected in ((-60, -1, "expired on"), (1, 30, "not valid before")):
        certificate, key = authority.issue(since=since, days=days)
        (problem,) = with_tls(tls_cert_file=certificate, tls_key_file=key)
        assert expected in problem


def test_endpoints_are_readable() -> None:
    inbound = Surroundings("inbound", bind_host="10.0.0.1")

    assert MLLPSettings(port=2575).endpoint(inbound) == "10.0.0.1:2575"
    assert MLLPSettings(host="lab", port=2575, tls=True).endpoint(Surroundings("outbound")) == "lab:2575 (TLS)"
    assert MLLPSettings(host="::1", port=2575).endpoint(Surroundings("outbound")) == "[::1]:2575"
    assert MLLPSettings(port=2575).listens_on() == 2575


def test_what_is_registered_can_be_loaded() -> None:
    specs = {spec.name: spec for spec in plugin.register_connectors()}

    assert set(specs) == {"MLLP", "Tcp"}
    assert load(specs["MLLP"].factory) is MLLP
    assert load(specs["Tcp"].factory) is Tcp
    assert load(specs["Tcp"].settings) is TcpSettings
    for spec in specs.values():
        assert callable(load(spec.inbound or ""))
        assert callable(load(spec.outbound or ""))


def test_the_factory_remembers_where_it_was_used() -> None:
    used = MLLP(port=2575)

    assert (used.connector, dict(used.options)) == ("MLLP", {"port": 2575})
    assert used.file == __file__


def test_finding_the_plugin_imports_no_transport() -> None:
    import subprocess
    import sys

    script = "import messagefoundry_mllp.plugin, sys; print({'trio', 'pydantic', 'ssl'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"
