"""Certificates made for one test run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a folder where what it issues is written."""

    authority: trustme.CA
    folder: Path

    @classmethod
    def made_in(cls, folder: Path) -> Authority:
        folder.mkdir(exist_ok=True)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        return cls(authority, folder)

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def issue(self, name: str = "127.0.0.1", *, days: int = 30, since: int = -60) -> tuple[str, str]:
        """Certificate and key for `name`, valid from `since` to `days` days from now; the files' paths."""
        now = datetime.now(UTC)
        leaf = self.authority.issue_cert(
            name, not_before=now + timedelta(days=since), not_after=now + timedelta(days=days)
        )
        stem = f"{name}-{since}-{days}"
        certificate, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        leaf.cert_chain_pems[0].write_to_path(certificate)
        leaf.private_key_pem.write_to_path(key)
        return str(certificate), str(key)
