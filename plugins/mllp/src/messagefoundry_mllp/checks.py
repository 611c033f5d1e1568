"""What is checked of a Connection's options before anything runs; each problem is (sentence, mend)."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from messagefoundry_mllp.tls import load_identity

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from messagefoundry.contracts.settings import Surroundings
    from messagefoundry_mllp.settings import StreamSettings

Problems = Iterator[tuple[str, str]]


def _given(settings: StreamSettings, names: Iterable[str]) -> list[str]:
    """Those of `names` that were set to something else than their default."""
    fields = type(settings).model_fields
    return sorted(
        name
        for name in settings.model_fields_set.intersection(names)
        if getattr(settings, name) != fields[name].get_default(call_default_factory=True, validated_data={})
    )


def misplaced_options(settings: StreamSettings, around: Surroundings) -> Problems:
    """Options that belong to the other direction."""
    inbound = around.direction == "inbound"
    for name in _given(settings, settings.outbound_only if inbound else settings.inbound_only):
        other = "outbound" if inbound else "inbound"
        yield f"{name} belongs to an {other} Connection", f"remove {name}"


def useless_options(settings: StreamSettings, option: str, names: Iterable[str]) -> Problems:
    """Options that mean nothing beside `option`."""
    for name in _given(settings, names):
        yield f"{name} has no meaning with {option}", "remove one of the two"


def place(settings: StreamSettings, around: Surroundings) -> Problems:
    """Host, port and interface."""
    if around.direction == "inbound":
        yield from _listening_place(settings, around)
    elif settings.host is None:
        yield "an outbound needs a host", 'give host="..."'
    elif any(character in settings.host for character in "/ @"):
        yield "host is a name or an address, without scheme or path", 'such as host="lab.example.org"'
    if around.direction == "outbound" and settings.port == 0:
        yield "an outbound needs a port", "give port= from 1 to 65535"


def _listening_place(settings: StreamSettings, around: Surroundings) -> Problems:
    if settings.host is not None:
        yield (
            "an inbound takes no host: where it listens is the operator's decision",
            "remove host; set [inbound] bind_host in messagefoundry.toml, or bind_address= on this Connection",
        )
    if not (settings.tls or around.allow_insecure_bind or is_loopback(around.bind_host)):
        yield (
            f"listening on {around.bind_host} without TLS would send patient data in the clear",
            "give tls=True with tls_cert_file, bind 127.0.0.1, or start with --allow-insecure-bind",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificates(settings: StreamSettings, around: Surroundings) -> Problems:
    """TLS options that contradict each other, and files that are missing, broken, expired or do not belong together."""
    if not settings.tls:
        for name in _given(settings, (name for name in type(settings).model_fields if name.startswith("tls_"))):
            yield f"{name} is given, but TLS is off", "give tls=True too"
        return
    if around.direction == "inbound" and not settings.tls_cert_file:
        yield "TLS on an inbound needs a certificate", "give tls_cert_file, and tls_key_file unless the key is in it"
    if settings.tls_key_file and not settings.tls_cert_file:
        yield "tls_key_file is given without tls_cert_file", "give tls_cert_file too"
    yield from _files(settings)


def _files(settings: StreamSettings) -> Problems:
    identity = [("tls_cert_file", settings.tls_cert_file), ("tls_key_file", settings.tls_key_file)]
    wrong = [problem for option, path in identity if path and (problem := _unreadable(option, path))]
    yield from wrong
    if settings.tls_cert_file and not wrong:
        yield from _identity(settings.tls_cert_file, settings)
    if settings.tls_ca_file:
        problem = _unreadable("tls_ca_file", settings.tls_ca_file)
        yield from [problem] if problem else _authorities(settings.tls_ca_file)


def _unreadable(option: str, path: str) -> tuple[str, str] | None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"{option} {path} cannot be read: {error.strerror}", "name a PEM file that the engine may read"
    return None


def _identity(path: str, settings: StreamSettings) -> Problems:
    chain = _read("tls_cert_file", path)
    if isinstance(chain, tuple):
        yield chain
        return
    yield from _expiry("tls_cert_file", path, chain[:1])
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_identity(context, path, settings.tls_key_file, settings.tls_key_password)
    except ssl.SSLError as error:
        yield _useless_key(settings.tls_key_file or path, error)


def _useless_key(path: str, error: ssl.SSLError) -> tuple[str, str]:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {path} does not belong to tls_cert_file", "name the key that the certificate was made for"
    mend = "give a PEM private key in tls_key_file, and tls_key_password if it is encrypted"
    return f"the private key in {path} cannot be loaded", mend


def _authorities(path: str) -> Problems:
    chain = _read("tls_ca_file", path)
    if isinstance(chain, tuple):
        yield chain
        return
    now = datetime.now(UTC)
    if all(certificate.not_valid_after_utc < now for certificate in chain):
        yield from _expiry("tls_ca_file", path, chain[-1:])


def _read(option: str, path: str) -> list[Certificate] | tuple[str, str]:
    """The certificates in a PEM file, or the problem with it."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except ValueError:
        return f"{option} {path} holds no PEM certificate", "name a file with -----BEGIN CERTIFICATE-----"


def _expiry(option: str, path: str, chain: list[Certificate]) -> Problems:
    now = datetime.now(UTC)
    for certificate in chain:
        if certificate.not_valid_after_utc < now:
            yield f"{option} {path} expired on {certificate.not_valid_after_utc:%Y-%m-%d}", "renew the certificate"
        elif certificate.not_valid_before_utc > now:
            begin = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            yield f"{option} {path} is not valid before {begin}", "check the clock, or wait"
