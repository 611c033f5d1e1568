"""What the pages say of flags, labels and schedules."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from messagefoundry.wiring.schedule_form import schedule_of

if TYPE_CHECKING:
    from tests.api.served import ServedWorld

OFFICE = schedule_of({"timezone": "Europe/Vienna", "days": [0], "start": "07:00", "end": "19:00"})
ALWAYS = schedule_of({"timezone": "UTC", "days": [*range(7)], "start": "00:00", "end": "24:00"})
EVENING = int(datetime.fromisoformat("2026-11-23T20:00+01:00").timestamp()) * 1_000_000


async def test_flags_labels_and_schedules_are_in_the_list(world: ServedWorld) -> None:
    world.simple()
    world.inbound(schedule=OFFICE, flagged=True)
    world.outbound(schedule=ALWAYS)
    world.outbound("PLAIN")
    async with world.serving(clock=lambda: EVENING) as served:
        inbound, outbound, plain = (await served.get("/connections"))["connections"]
    assert (inbound["state"], inbound["flagged"]) == ("outside its schedule", True)
    assert inbound["reason"] == "until 2026-11-30 07:00:00+01:00"
    until = datetime.fromisoformat(inbound["schedule"].pop("until"))
    assert (inbound["schedule"], until) == ({"open": False}, datetime.fromisoformat("2026-11-30T07:00+01:00"))
    assert (outbound["state"], outbound["schedule"]) == ("running", {"open": True, "until": None})
    assert (plain["schedule"], plain["flagged"]) == (None, False)


async def test_a_start_outside_of_the_schedule_says_until_when_it_holds(world: ServedWorld) -> None:
    world.simple()
    world.inbound(schedule=OFFICE)
    async with world.serving(clock=lambda: EVENING) as served:
        until = "outside its schedule until 2026-11-30 07:00:00+01:00"
        answer = await served.post("/connections/IB/start")
        assert answer.json() == {"state": "running", "reason": until}
        assert (await served.post("/connections/OB/start")).json() == {"state": "running"}
        assert (await served.get("/connections"))["connections"][0]["reason"] == until


async def test_labels_have_a_page(world: ServedWorld) -> None:
    world.simple()
    world.outbound("LATER", deployed=False, metadata={"owner": "lab", "phones": [3, 4]})
    async with world.serving() as served:
        assert await served.get("/connections/LATER/metadata") == {"metadata": {"owner": "lab", "phones": [3, 4]}}
        assert await served.get("/connections/IB/metadata") == {"metadata": {}}
        assert (await served.pages.get("/connections/NONE/metadata")).status_code == 404
        assert (await served.pages.get("/connections/IB/metadata?x=1")).status_code == 400
