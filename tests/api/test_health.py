from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engine.world import adt

if TYPE_CHECKING:
    from tests.api.served import ServedWorld


async def test_health(world: ServedWorld) -> None:
    world.simple()
    async with world.serving() as served:
        answer = await served.pages.get("/health")
        assert answer.json() == {"status": "ok"}
        assert (await served.control.get("/health")).json() == {"status": "ok"}
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


async def test_stats(world: ServedWorld) -> None:
    sender, _ = world.simple()
    async with world.serving() as served:
        receipt = await sender.send(adt("1"))
        await world.becomes(receipt.message_id, "PROCESSED")
        found = await served.get("/stats")
    assert found["messages"] == {"PROCESSED": 1}
    assert found["store"] == "ok"
    assert found["accepting"] is True
    assert found["started_at"][:2] == "20"
