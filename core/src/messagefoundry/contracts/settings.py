"""The options of a connector: a frozen pydantic model whose field names and defaults authors write against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Network, IPv6Network

Direction = Literal["inbound", "outbound"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector's settings are checked against: the deployment, not the author."""

    direction: Direction
    bind_host: str = "127.0.0.1"
    """The interface an inbound listener binds: `[inbound] bind_host`, or the Connection's own `bind_address`."""
    allow_insecure_bind: bool = False
    source_ip_allowlist: tuple[IPv4Network | IPv6Network, ...] = ()
    content_type: str = "hl7v2"


class ConnectorSettings(BaseModel):
    """Base of every connector's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    inbound_only: ClassVar[frozenset[str]] = frozenset()
    """Options that mean something to inbound Connections alone; `problems` refuses them elsewhere."""
    outbound_only: ClassVar[frozenset[str]] = frozenset()
    """Options that mean something to outbound Connections alone."""

    @classmethod
    def options_for(cls, direction: Direction) -> list[str]:
        """The options that a Connection of this direction may have."""
        foreign = cls.outbound_only if direction == "inbound" else cls.inbound_only
        return [name for name in cls.model_fields if name not in foreign]

    def endpoint(self, around: Surroundings) -> str:
        """Where this is, in a few words for banner, lists and logs, without secrets: "127.0.0.1:2575"."""
        return ""

    def listens_on(self) -> int | None:
        """The TCP port that an inbound of these settings binds, if it does."""
        return None

    def text_encoding(self) -> str:
        """The character set of payloads that name none themselves."""
        return str(getattr(self, "encoding", "utf-8"))

    def output_encoding(self) -> str | None:
        """The character set that the author asked outgoing messages to have, None to leave each message its own."""
        return self.text_encoding() if "encoding" in self.model_fields_set else None

    def reply_source(self) -> str | None:
        """The outbound Connection whose reply answers this inbound's sender (`reply_from`), if any."""
        return getattr(self, "reply_from", None)

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """What is wrong beyond the types of single options, as (sentence, mend); certificates are read here."""
        yield from ()

    def unsupported(self, around: Surroundings) -> Iterator[str]:
        """Names of options that were set and are not supported yet."""
        yield from ()
