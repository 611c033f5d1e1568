"""A plugin for these tests: a listener that also sends, a sender with a secret, a poller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr

from messagefoundry.contracts import ConnectorSpec, hookimpl, transport
from messagefoundry.contracts.settings import ConnectorSettings, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

contract = 1


class PipeSettings(ConnectorSettings):
    inbound_only = frozenset({"timeout", "reply_from"})
    outbound_only = frozenset({"timeout_seconds"})

    port: Annotated[int, Field(ge=0, le=65535)]
    host: str | None = None
    encoding: str = "utf-8"
    mode: Literal["slow", "fast"] = "slow"
    reply_from: str | None = None
    capture_response: bool = False
    timeout: float = 1
    timeout_seconds: float = 1

    def endpoint(self, around: Surroundings) -> str:
        return f"{around.bind_host}:{self.port}" if around.direction == "inbound" else f"{self.host}:{self.port}"

    def listens_on(self) -> int | None:
        return self.port

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        if around.direction == "inbound" and self.host is not None:
            yield "an inbound takes no host", "leave it out"
        if around.direction == "inbound" and around.bind_host != "127.0.0.1" and not around.allow_insecure_bind:
            yield f"{around.bind_host} needs TLS", "bind 127.0.0.1"

    def unsupported(self, around: Surroundings) -> Iterator[str]:
        if self.capture_response:
            yield "capture_response"


class DropSettings(ConnectorSettings):
    password: SecretStr
    retries: int = 1


class FetchSettings(ConnectorSettings):
    folder: str


Pipe = transport("Pipe", PipeSettings)
Drop = transport("Drop", DropSettings)
Fetch = transport("Fetch", FetchSettings)
Quux = transport("Quux", FetchSettings)
MLLP = transport("MLLP", PipeSettings)
Rest = transport("Rest", PipeSettings)

HERE = "tests.wiring.pipes"


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    return [
        ConnectorSpec("Pipe", f"{HERE}:Pipe", f"{HERE}:PipeSettings", f"{HERE}:In", f"{HERE}:Out"),
        ConnectorSpec("Drop", f"{HERE}:Drop", f"{HERE}:DropSettings", None, f"{HERE}:Out"),
        ConnectorSpec("Fetch", f"{HERE}:Fetch", f"{HERE}:FetchSettings", f"{HERE}:In", None),
        ConnectorSpec("Lost", f"{HERE}:Fetch", f"{HERE}:Nowhere", f"{HERE}:In", None),
    ]
