"""The options of a connector, and of a source of reference sets: frozen pydantic models.

Authors write against their field names and defaults.
"""

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

    fed_by: ClassVar[Literal["outside", "sends", "replies"]] = "outside"
    """Whence an inbound gets its messages: from outside, or from the engine: what Handlers send, partners' replies."""

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

    def reply_target(self) -> str | None:
        """The Loopback inbound that receives the replies to what this outbound delivers (`reingress_to`), if any."""
        return getattr(self, "reingress_to", None)

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """What is wrong beyond the types of single options, as (sentence, mend); certificates are read here."""
        yield from ()

    def unsupported(self, around: Surroundings) -> Iterator[str]:
        """Names of options that were set and are not supported yet."""
        yield from ()


class ReferenceSettings(BaseModel):
    """Base of the options of every kind of source of reference sets."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    local: ClassVar[bool] = False
    """Whether to read it calls nobody: a dry run reads such a source itself."""

    def place(self) -> str:
        """Where the rows come from, in a few words without secrets: "providers.csv"."""
        return ""

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong beyond the types of single options, as (sentence, mend)."""
        yield from ()
