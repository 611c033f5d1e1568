"""The parts of everything.py, each as small as its contract lets it be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import click
import trio
from quart import Blueprint

from messagefoundry.contracts import Delivered, Refused, transport
from messagefoundry.contracts.codecs import Summary
from messagefoundry.contracts.settings import ConnectorSettings
from messagefoundry.message import RawMessage, Refusal, RefusalKind

if TYPE_CHECKING:
    from types import TracebackType

    from messagefoundry.contracts.alerts import Alert
    from messagefoundry.contracts.inbound import InboundContext
    from messagefoundry.contracts.outbound import OutboundContext, OutboundItem


class WhisperSettings(ConnectorSettings):
    say: str = ""
    into: str = ""


Whisper = transport("Whisper", WhisperSettings)


class Ear:
    """Receives one message when it starts, and notes how it was answered."""

    def __init__(self, settings: WhisperSettings, context: InboundContext) -> None:
        self._said = settings.say.encode()
        self._context = context

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        receipt = await self._context.receive(self._said, peer="whisperer")
        self._context.note("answered", f"{receipt.code} {(receipt.reply or b'').decode()}", alert=True)
        await trio.sleep_forever()


class Mouth:
    """Writes what it is given into a file."""

    def __init__(self, settings: WhisperSettings, context: OutboundContext) -> None:
        self._into = Path(settings.into)
        self._context = context

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def send(self, item: OutboundItem) -> Delivered:
        self._into.write_bytes(item.payload)
        self._context.note("put down")
        await trio.lowlevel.checkpoint()
        return Delivered()

    async def test(self) -> str:
        await trio.lowlevel.checkpoint()
        return "there is always somewhere to write"


class X12Codec:
    """Knows an interchange by its first three letters."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        if not raw.startswith(b"ISA"):
            raise Refused(Refusal(RefusalKind.UNPARSABLE))
        return Summary("000000905", "270")

    def parse(self, raw: bytes, *, encoding: str) -> RawMessage:
        return RawMessage(raw, encoding=encoding)

    def acknowledge(
        self, raw: bytes, summary: Summary | None, refusal: Refusal | None, *_: object, **_ids: object
    ) -> tuple[str, bytes | None]:
        return ("A", b"TA1*000000905") if refusal is None else ("R", b"TA1*R")


X12 = X12Codec()


class FileSink:
    """Writes alerts into a file of the working directory."""

    async def send(self, alert: Alert) -> None:
        async with await trio.open_file("alerts.txt", "a") as file:
            await file.write(f"{alert.kind} {alert.connection}\n")


@click.command("acme-greet")
def greet() -> None:
    """Greet."""
    click.echo("greetings from acme")


blueprint = Blueprint("acme", __name__)


@blueprint.get("/acme")
async def page() -> dict[str, str]:
    return {"from": "acme"}


def modem() -> str | None:
    return "no modem answers"
