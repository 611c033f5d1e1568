"""Keys of the published settings that this release knows and does not act on yet.

A protective key restricts or protects something, so that leaving it without effect would be a danger: it is refused
unless it says what holds anyway, its default. A harmless one is passed over with a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """One such key. A secret belongs in the environment alone, and its value is never shown."""

    section: str
    key: str
    default: Any = None
    protective: bool = False
    secret: bool = False

    def says_default(self, value: Any) -> bool:
        """Whether `value`, of the file or the text of a variable, asks for what holds anyway."""
        if not isinstance(value, str) or isinstance(self.default, str):
            return bool(value == self.default)
        text = value.strip().lower()
        if self.default is None:
            return not text
        if isinstance(self.default, list):
            return [each.strip() for each in text.split(",") if each] == self.default
        return text in _TEXTS[self.default] if isinstance(self.default, bool) else text == str(self.default)


_TEXTS = {True: ("true", "1", "yes", "on"), False: ("false", "0", "no", "off", "")}

PROTECTIVE: Mapping[str, Mapping[str, Any]] = {
    "store": {
        "key_provider": "auto",
        "require_encryption": False,
    },
    "api": {
        "tls_cert_file": None,
        "tls_key_file": None,
        "tls_min_version": "1.2",
        "tls_ciphers": None,
        "tls_client_ca_file": None,
        "trusted_proxies": [],
        "tls_terminated_upstream": False,
    },
    "auth": {
        "enabled": True,
        "session_idle_timeout_minutes": 30,
        "session_absolute_hours": 12,
        "max_sessions_per_user": 5,
        "password_min_length": 15,
        "password_require_uppercase": False,
        "password_require_lowercase": False,
        "password_require_digit": False,
        "password_require_symbol": False,
        "password_check_breached": True,
        "password_check_context": True,
        "lockout_threshold": 5,
        "lockout_minutes": 15,
        "bootstrap_expiry_hours": 72,
        "login_rate_limit_enabled": True,
        "login_rate_limit_per_ip": 10,
        "login_rate_limit_global": 60,
        "login_rate_limit_window_seconds": 60,
        "phi_read_rate_limit_enabled": True,
        "phi_read_rate_limit_per_actor": 120,
        "phi_read_rate_limit_global": 0,
        "phi_read_rate_limit_window_seconds": 60,
        "notify_security_events": True,
        "require_mfa": False,
        "mfa_recovery_code_count": 10,
        "admin_new_ip_step_up": False,
        "ad_enabled": False,
        "ad_server": None,
        "ad_domain": None,
        "ad_user_search_base": None,
        "ad_group_search_base": None,
        "ad_bind_dn": None,
        "ad_use_nested_groups": True,
        "ad_tls_verify": True,
        "ad_tls_ca_cert_file": None,
        "ad_allow_insecure_ldap": False,
        "kerberos_enabled": False,
        "kerberos_spn": None,
    },
    "approvals": {
        "enabled": False,
        "operations": ["connection_purge", "dead_letter_replay"],
        "expiry_hours": 72,
    },
    "egress": {
        "allowed_mllp": [],
        "allowed_tcp": [],
        "allowed_file_dirs": [],
        "allowed_http": [],
        "allowed_db": [],
        "allowed_remote": [],
        "deny_by_default": False,
    },
    "cluster": {"enabled": False},
    "security": {"encryption_at_rest": False},
}

HARMLESS: Mapping[str, Mapping[str, Any]] = {
    "store": {"auth": "sql"},
    "api": {"expose_docs": False, "config_reload_roots": []},
    "ai": {
        "mode": "byo",
        "data_scope": "code_only",
        "provider": "claude",
        "model": "claude-opus-4-8",
        "baa_attested": False,
        "endpoint": None,
    },
    "logging": {
        "forward_enabled": False,
        "forward_host": None,
        "forward_port": 514,
        "forward_protocol": "udp",
        "forward_format": "json",
        "file": None,
        "max_bytes": None,
        "backups": None,
    },
    "retention": {
        "messages_days": 0,
        "dead_letter_days": 0,
        "state_max_age_days": 0,
        "audit_days": 0,
        "max_db_mb": 0,
        "purge_interval_seconds": 3600,
        "wal_checkpoint_seconds": 0,
        "vacuum_at": "",
    },
    "delivery": {"outbox_workers": None, "dead_letter": "keep"},
    "alerts": {
        "webhook_url": None,
        "webhook_timeout": 10,
        "webhook_allowed_hosts": [],
        "email_smtp_host": None,
        "email_smtp_port": 587,
        "email_from": None,
        "email_to": None,
        "email_use_tls": True,
        "email_username": None,
        "email_timeout": 30,
        "smtp_allowed_hosts": [],
        "rules": [],
    },
    "cert_monitor": {"warn_days": 30, "check_interval_seconds": 43200},
    "cluster": {
        "node_id": None,
        "heartbeat_seconds": 10,
        "node_timeout_seconds": 30,
        "reclaim_interval_seconds": 30,
        "leader_lease_ttl_seconds": 30,
        "leader_fence_timeout_seconds": 20,
    },
}

SECRETS = (
    Unbuilt("store", "encryption_key", protective=True, secret=True),
    Unbuilt("store", "encryption_keys_retired", protective=True, secret=True),
    Unbuilt("api", "tls_key_password", protective=True, secret=True),
    Unbuilt("auth", "ad_bind_password", protective=True, secret=True),
    Unbuilt("alerts", "email_password", secret=True),
)


def _unbuilt() -> Iterator[Unbuilt]:
    for tables, protective in ((PROTECTIVE, True), (HARMLESS, False)):
        for section, keys in tables.items():
            for key, default in keys.items():
                yield Unbuilt(section, key, default, protective)
    yield from SECRETS


UNBUILT: Mapping[tuple[str, str], Unbuilt] = MappingProxyType({(each.section, each.key): each for each in _unbuilt()})
