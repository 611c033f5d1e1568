"""How the engine is doing."""

from __future__ import annotations

from typing import Any

from quart import Blueprint

from messagefoundry.api.app import serving
from messagefoundry.api.asked import Query, query
from messagefoundry.api.rows import iso
from messagefoundry.engine import status

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
async def health() -> tuple[dict[str, str], int]:
    """Whether messages can be accepted; for watchdogs and load balancers."""
    query(Query)
    outage = serving().engine.committer.outage
    if outage is not None:
        return {"status": "unavailable", "error": f"the store cannot commit: {outage}"}, 503
    return {"status": "ok"}, 200


@blueprint.get("/stats")
async def stats() -> dict[str, Any]:
    """Counters since the start, and messages by disposition."""
    query(Query)
    engine = serving().engine
    return {**await status.stats(engine), "started_at": iso(engine.started_at)}
