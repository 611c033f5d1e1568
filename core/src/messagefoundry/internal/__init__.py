"""Inbounds that receive from the engine itself: `PassThrough` what Handlers send to them, `Loopback` partners' replies.

What they receive is committed together with what it comes from, so there is nothing here to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry.contracts.transport import transport

if TYPE_CHECKING:
    from messagefoundry.contracts.inbound import InboundContext


class PassThroughSettings(ConnectorSettings):
    """`PassThrough()`: an inbound to which Handlers send by its name. It has a Router of its own, as every inbound."""

    fed_by = "sends"

    def endpoint(self, around: Surroundings) -> str:
        """What it receives."""
        return "what Handlers send here"


class LoopbackSettings(ConnectorSettings):
    """`Loopback()`: an inbound that receives the replies to what outbounds with `reingress_to` have delivered."""

    fed_by = "replies"

    def endpoint(self, around: Surroundings) -> str:
        """What it receives."""
        return "replies of partners"


PassThrough = transport("PassThrough", PassThroughSettings)
Loopback = transport("Loopback", LoopbackSettings)


class InternalInbound:
    """Ready as long as it runs."""

    def __init__(self, settings: ConnectorSettings, context: InboundContext) -> None:
        self._name = context.name

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Be there."""
        task_status.started()
        await trio.sleep_forever()
