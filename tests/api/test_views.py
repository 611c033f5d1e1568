from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.contracts.outbound import Rejected
from tests.engine.world import adt

if TYPE_CHECKING:
    from tests.api.served import Served, ServedWorld

SECRET = "DOE^JANE"


async def fed(world: ServedWorld, sender: Any, *control_ids: str) -> list[int]:
    """Messages that have come to their end."""
    receipts = [await sender.send(adt(each, text=SECRET)) for each in control_ids]
    for receipt in receipts:
        await world.becomes(receipt.message_id, "PROCESSED")
    return [receipt.message_id for receipt in receipts]


async def test_messages_newest_first_page_by_page(world: ServedWorld) -> None:
    sender, _ = world.simple()
    async with world.serving() as served:
        ids = await fed(world, sender, "1", "2", "3")
        first = await served.get("/messages", limit=2)
        second = await served.get("/messages", limit=2, before=first["before"])
    assert [each["id"] for each in (*first["messages"], *second["messages"])] == ids[::-1]
    assert second["before"] is None
    row = first["messages"][0]
    assert (row["control_id"], row["type"], row["inbound"], row["disposition"]) == ("3", "ADT^A01", "IB", "PROCESSED")
    assert datetime.fromisoformat(row["received_at"]).utcoffset() is not None


async def test_messages_are_chosen_by_every_parameter(world: ServedWorld) -> None:
    sender, _ = world.simple()
    other = world.inbound("IB2")
    async with world.serving() as served:
        ids = await fed(world, sender, "1", "2")
        (foreign,) = await fed(world, other, "9")
        at = (await served.get("/messages", inbound="IB2"))["messages"][0]["received_at"]

        async def chosen(**query: Any) -> list[int]:
            return [each["id"] for each in (await served.get("/messages", **query))["messages"]]

        assert await chosen(inbound="IB2") == [foreign]
        assert await chosen(control_id="2") == [ids[1]]
        assert await chosen(disposition="ERROR") == []
        assert await chosen(type="ADT^A01", before=foreign) == ids[::-1]
        assert await chosen(type="ORU^R01") == []
        assert await chosen(since=at) == [foreign]
        assert await chosen(until=at) == ids[::-1]
        raw = await served.pages.get(f"/messages?since={at}")
        assert [each["id"] for each in raw.json()["messages"]] == [foreign]


async def test_a_message_with_its_work_and_trail_and_nothing_of_its_content(world: ServedWorld) -> None:
    sender, partner = world.simple()
    partner.answers.append(Rejected(f"it says no\n{SECRET}", permanent=True, reply=SECRET.encode(), msa_1="AR"))
    async with world.serving() as served:
        receipt = await sender.send(adt("1", text=SECRET))
        await world.becomes(receipt.message_id, "ERROR")
        answer = await served.pages.get(f"/messages/{receipt.message_id}")
        dead = await served.get("/dead-letters", connection="OB", message=receipt.message_id)
    found = answer.json()
    assert SECRET not in answer.text
    assert found["message"]["id"] == receipt.message_id
    assert [(each["state"], each["error"], each["lane"]) for each in found["work"]] == [("dead", "it says no", "OB")]
    assert [each["kind"] for each in found["trail"]] == ["received", "routed", "dead"]
    assert found["trail"][-1]["detail"]["msa_1"] == "AR"
    assert found["trail"][-1]["has_reply"] is True
    assert dead == {"dead_letters": found["work"], "count": 1, "after": None}


async def test_a_batch_shows_its_messages_and_they_are_found_by_it(world: ServedWorld) -> None:
    sender, partner = world.simple()
    async with world.serving() as served:
        (alone,) = await fed(world, sender, "0")
        receipt = await sender.send(b"BHS|^~\\&\r" + adt("1", text=SECRET) + adt("2") + b"BTS|2\r")
        await partner.has(3)
        answer = await served.pages.get(f"/messages/{receipt.message_id}")
        found = (await served.get("/messages", parent=receipt.message_id))["messages"]
        other = await served.get(f"/messages/{alone}")
    assert SECRET not in answer.text
    children = answer.json()["children"]
    assert [(each["control_id"], each["parent_id"]) for each in children] == [
        ("1", receipt.message_id),
        ("2", receipt.message_id),
    ]
    assert [each["id"] for each in found] == [each["id"] for each in children][::-1]
    assert other["children"] == []


async def test_a_handler_s_own_text_is_not_shown(world: ServedWorld) -> None:
    sender, _ = world.simple()

    def broken(msg: Any) -> None:
        raise ValueError(SECRET)

    world.handler(broken)
    async with world.serving() as served:
        receipt = await sender.send(adt("1", text=SECRET))
        await world.becomes(receipt.message_id, "ERROR")
        pages = [await served.pages.get(page) for page in (f"/messages/{receipt.message_id}", "/dead-letters")]
    assert all("ValueError" in page.text and SECRET not in page.text for page in pages)


async def test_connections_and_their_events(world: ServedWorld) -> None:
    world.simple()
    world.outbound("LATER", deployed=False)
    async with world.serving(hold_outbound=True) as served:
        found = (await served.get("/connections"))["connections"]
        events = (await served.get("/connections/IB/events"))["events"]
    assert [(each["name"], each["direction"], each["state"]) for each in found] == [
        ("IB", "inbound", "running"),
        ("OB", "outbound", "stopped"),
        ("LATER", "outbound", "not deployed"),
    ]
    assert found[2]["since"] is None
    assert [each["kind"] for each in events] == ["started"]


@pytest.mark.parametrize(
    ("page", "status", "text"),
    [
        ("/messages?inbond=IB", 400, "inbond is not known here: did you mean 'inbound'?"),
        ("/messages?limit=many", 400, "limit must be a whole number"),
        ("/messages?limit=0&before=-1", 400, "before must be at least 0; limit must be at least 1"),
        ("/messages?limit=5&limit=6", 400, "limit is given more than once"),
        ("/messages?disposition=LOST", 400, "disposition must be one of 'RECEIVED'"),
        ("/messages?since=yesterday", 400, "since must be an ISO 8601 time"),
        ("/messages?since=9999999999999999", 400, "since must be an ISO 8601 time"),
        (f"/messages?before={2**63}", 400, "before must be at most"),
        ("/dead-letters?stage=middle", 400, "stage must be one of 'ingress'"),
        ("/health?x=1", 400, "x is not known here"),
        ("/messages/77", 404, "there is no message 77"),
        (f"/messages/{2**63}", 404, "there is no such page"),
        ("/connections/IX/events", 404, "no Connection is named IX; there are: IB, OB"),
        ("/nowhere", 404, "there is no such page"),
    ],
)
async def test_what_cannot_be_answered_gets_a_sentence(world: ServedWorld, page: str, status: int, text: str) -> None:
    world.simple()
    async with world.serving() as served:
        for client in (served.pages, served.control):
            answer = await client.get(page)
            assert answer.status_code == status
            assert answer.json()["error"].startswith(text)
            assert answer.headers["x-content-type-options"] == "nosniff"


async def broken_page(served: Served, caplog: pytest.LogCaptureFixture) -> str:
    """Ask for messages while the reader is broken by something that quotes a message."""

    async def read(look_up: Any) -> None:
        raise RuntimeError(SECRET)

    served.engine.read = read  # type: ignore[assignment]
    answer = await served.pages.get("/messages")
    assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})
    return caplog.text


async def test_an_unexpected_error_shows_and_logs_nothing(world: ServedWorld, caplog: pytest.LogCaptureFixture) -> None:
    world.simple()
    async with world.serving() as served:
        text = await broken_page(served, caplog)
    assert "GET /messages failed: RuntimeError at test_views.py" in text
    assert SECRET not in text


async def test_the_first_page_lists_the_others(world: ServedWorld) -> None:
    world.simple()
    async with world.serving() as served:
        pages = (await served.get("/"))["pages"]
    assert {"GET /", "GET /connections", "GET /messages/{message_id}"} <= set(pages)
