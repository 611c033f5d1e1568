"""The pages that change something, served on the owner-only socket alone.

What was begun is finished although the client hangs up: half a reload or half a stop is nobody's wish.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import trio
from quart import Blueprint, request

from messagefoundry.api.app import GRACE_SECONDS, connection_named, serving
from messagefoundry.api.asked import (
    DeadLetterOrder,
    Declined,
    Order,
    Query,
    ReloadOrder,
    ReplayDeadOrder,
    ReplayOrder,
    ResendOrder,
    order,
    query,
)
from messagefoundry.api.views import MESSAGE_ID
from messagefoundry.contracts.errors import MessageFoundryError, sole
from messagefoundry.engine.reload import reload
from messagefoundry.engine.status import supervision
from messagefoundry.observe.logs import scrubbed
from messagefoundry.pipeline.supervision import os_error_text
from messagefoundry.wiring.graph import Inbound, Outbound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quart import Response

log = logging.getLogger(__name__)

blueprint = Blueprint("control", __name__)

ACTOR = "X-MessageFoundry-Actor"
LONGEST_ACTOR = 64
TEST_SECONDS = 30.0

T = TypeVar("T")


@blueprint.before_request
async def plain() -> None:
    """None of these pages has query parameters: an order given there would pass unheard."""
    query(Query)


@blueprint.after_request
async def told(response: Response) -> Response:
    """Leave a line in the log of who changed what."""
    log.info("%s by %s: %d", request.path, actor(), response.status_code)
    return response


@blueprint.post("/messages/replay")
async def replay() -> dict[str, int]:
    """Run Router and Handlers again over messages."""
    asked = await order(ReplayOrder)
    return {"count": await unbroken(partial(serving().operations.replay, asked.ids, actor=actor()))}


@blueprint.post("/messages/resend")
async def resend() -> dict[str, int]:
    """Queue stored payloads again as they were."""
    asked = await order(ResendOrder)
    return {"count": await unbroken(partial(serving().operations.resend, asked.ids, to=asked.to, actor=actor()))}


@blueprint.post(f"/messages/{MESSAGE_ID}/dead-letter")
async def dead_letter(message_id: int) -> dict[str, int]:
    """Dead-letter now what waits of a message."""
    asked = await order(DeadLetterOrder)
    change = partial(
        serving().operations.dead_letter, message_id, to=asked.to, reason=scrubbed(asked.reason), actor=actor()
    )
    return {"count": await unbroken(change)}


@blueprint.post("/dead-letters/replay")
async def replay_dead() -> dict[str, int]:
    """Replay dead letters, each from its own stage."""
    asked = await order(ReplayDeadOrder)
    return {"count": await unbroken(partial(serving().operations.replay_dead, asked.work_ids, actor=actor()))}


@blueprint.post("/connections/<name>/start")
async def start(name: str) -> dict[str, str]:
    """Start a Connection, or try again at once what waits to restart.

    Outside of its schedule it runs until that says otherwise: `reason` tells when, or what a waiting one waits for.
    """
    await order(Order)
    supervised(name)
    state = await unbroken(partial(serving().operations.start, name, actor=actor()))
    reason = supervision(serving().engine, name)[2]
    words = {"running": reason, "waiting": f"for {reason}"}.get(state, "") if reason else ""
    return {"state": state, **({"reason": words} if words else {})}


@blueprint.post("/connections/<name>/stop")
async def stop(name: str) -> dict[str, str]:
    """Stop a Connection until somebody starts it."""
    await order(Order)
    supervised(name)
    return {"state": await unbroken(partial(serving().operations.stop, name, actor=actor()))}


@blueprint.post("/connections/<name>/test")
async def test(name: str) -> dict[str, str]:
    """Reach a partner without sending a message; of an inbound, say where it receives."""
    await order(Order)
    found = connection_named(name)
    if isinstance(found, Inbound):
        running = serving().engine.connections.get(name)
        state = running.state if running is not None else "not deployed"
        return {"text": f"receives at {found.endpoint()}: {state}"}
    return {"text": await partner_found(found)}


@blueprint.post("/config/reload")
async def reload_config() -> dict[str, Any]:
    """Load the configuration again; a bad one changes nothing."""
    asked = await order(ReloadOrder)
    found = await unbroken(partial(reload, serving().engine, dry_run=asked.dry_run))
    return {
        "added": list(found.added),
        "changed": list(found.changed),
        "removed": list(found.removed),
        "unchanged": list(found.unchanged),
        "routers": list(found.routers),
        "handlers": list(found.handlers),
        "code_sets": list(found.code_sets),
        "schedules": list(found.schedules),
        "flagged": list(found.flagged),
        "stalls": list(found.stalls),
        "references": list(found.references),
        "references_added": list(found.references_added),
        "references_removed": list(found.references_removed),
        "dead_letters": found.dead_letters,
        "warnings": [] if asked.dry_run else [str(each) for each in serving().engine.graph.warnings],
    }


def actor() -> str:
    """Who asks, for the trail: what the client says of itself."""
    return scrubbed(request.headers.get(ACTOR, ""))[:LONGEST_ACTOR].strip() or "the control socket"


def supervised(name: str) -> None:
    """Check that a Connection can be started and stopped. Raises Declined."""
    connection_named(name)
    if name not in serving().engine.connections:
        raise Declined(409, f"{name}: not deployed here (deployed=False)")


async def partner_found(outbound: Outbound) -> str:
    """What a fresh connector finds at the partner. Raises Declined with the connector's own sentence."""
    try:
        with trio.move_on_after(TEST_SECONDS):
            async with serving().engine.open_outbound(outbound) as connector:
                return await connector.test()
    except MessageFoundryError as error:
        raise Declined(502, f"{outbound.name}: {error}") from error
    except OSError as error:
        raise Declined(502, f"{outbound.name}: {os_error_text(error)}") from error
    raise Declined(504, f"{outbound.name}: no answer within {TEST_SECONDS:.0f} s")


async def unbroken(change: Callable[[], Awaitable[T]]) -> T:
    """Finish `change` whether or not the client waits for it; a server that closes leaves it a little time.

    Raises what `change` raises, Declined when there was no time left.
    """
    done: list[T] = []
    try:
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(end_after, serving().closing, nursery.cancel_scope)
                done.append(await change())
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise sole(group) from None
    if not done:
        raise Declined(503, "the engine is stopping")
    return done[0]


async def end_after(closing: trio.Event, scope: trio.CancelScope) -> None:
    """Give what runs in `scope` a little time from when the server closes."""
    await closing.wait()
    scope.deadline = trio.current_time() + GRACE_SECONDS
