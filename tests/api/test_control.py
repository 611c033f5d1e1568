"""What can be changed through the control socket, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from messagefoundry.api.control_socket import control_address
from messagefoundry.contracts.errors import ConfigurationError, Problem, StoreUnavailable, Unreachable
from messagefoundry.wiring.values import Send
from tests.engine.toy import ToyOutbound
from tests.engine.world import adt, control_id_of, with_graph

if TYPE_CHECKING:
    import httpx

    from messagefoundry.wiring.graph import Graph
    from tests.api.served import Served, ServedWorld

TOO_LONG = b"POST /messages/replay HTTP/1.1\r\nHost: engine\r\nContent-Length: 1048577\r\n\r\n"


async def test_replay_runs_a_message_again(world: ServedWorld) -> None:
    sender, partner = world.simple()
    async with world.serving() as served:
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        answer = await served.post("/messages/replay", {"ids": [receipt.message_id, 77]}, actor="ann\x07" + "n" * 100)
        with trio.fail_after(5):
            await partner.has(2)
    assert answer.json() == {"count": 1}
    (replayed,) = [event for event in world.trail(receipt.message_id) if event.kind == "replay"]
    assert replayed.detail.startswith("by ann?nnn")
    assert len(replayed.detail) < 70


async def test_resend_to_one_lane(world: ServedWorld) -> None:
    sender, partner = world.simple()
    other = world.outbound("OB2")
    async with world.serving() as served:
        receipt = await sender.send(adt("1"))
        await partner.has(1)
        answer = await served.post("/messages/resend", {"ids": [receipt.message_id], "to": "OB2"})
        with trio.fail_after(5):
            await other.has(1)
        unknown = await served.post("/messages/resend", {"ids": [receipt.message_id], "to": "OB3"})
    assert answer.json() == {"count": 1}
    assert (unknown.status_code, unknown.json()["error"]) == (404, "no Connection is named OB3; there are: OB, OB2")


async def test_a_blocked_head_is_dead_lettered_and_replayed(world: ServedWorld) -> None:
    sender, partner = world.simple()
    partner.answers.extend([Unreachable("away")] * 200)
    async with world.serving() as served:
        first = await sender.send(adt("1"))
        await sender.send(adt("2"))
        await partner.until(lambda self: len(self.attempts) > 1)
        dead = await served.post(f"/messages/{first.message_id}/dead-letter", {"reason": "blocks the lane"})
        partner.answers.clear()
        with trio.fail_after(10):
            await partner.has(1)
        letters = (await served.get("/dead-letters"))["dead_letters"]
        again = await served.post("/dead-letters/replay", {"work_ids": [each["id"] for each in letters]})
        with trio.fail_after(5):
            await partner.has(2)
    assert (dead.json(), again.json()) == ({"count": 1}, {"count": 1})
    assert [control_id_of(raw) for raw in partner.delivered] == ["2", "1"]
    assert "by ann: blocks the lane" in [event.detail for event in world.trail(first.message_id)]


async def test_stop_holds_a_connection_until_start(world: ServedWorld) -> None:
    sender, partner = world.simple()
    async with world.serving() as served:
        assert (await served.post("/connections/OB/stop")).json() == {"state": "stopped"}
        await sender.send(adt("1"))
    async with world.serving() as served:
        assert served.engine.connections["OB"].state == "stopped"
        assert partner.delivered == []
        assert (await served.post("/connections/OB/start")).json() == {"state": "running"}
        with trio.fail_after(5):
            await partner.has(1)


async def test_what_is_not_deployed_cannot_be_started(world: ServedWorld) -> None:
    world.simple()
    world.outbound("LATER", deployed=False)
    async with world.serving() as served:
        answer = await served.post("/connections/LATER/start")
        unknown = await served.post("/connections/OX/stop")
    assert (answer.status_code, answer.json()["error"]) == (409, "LATER: not deployed here (deployed=False)")
    assert unknown.status_code == 404


async def test_test_reaches_the_partner_or_says_why_not(world: ServedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.simple()

    async def refused(self: ToyOutbound) -> str:
        raise Unreachable("127.0.0.1:9 refuses connections")

    async def silent(self: ToyOutbound) -> str:
        await trio.sleep_forever()

    async with world.serving() as served:
        assert (await served.post("/connections/OB/test")).json() == {"text": "the toy answers"}
        assert (await served.post("/connections/IB/test")).json() == {"text": "receives at toy: running"}
        monkeypatch.setattr(ToyOutbound, "test", refused)
        answer = await served.post("/connections/OB/test")
        assert (answer.status_code, answer.json()) == (502, {"error": "OB: 127.0.0.1:9 refuses connections"})
        monkeypatch.setattr(ToyOutbound, "test", silent)
        monkeypatch.setattr("messagefoundry.api.control.TEST_SECONDS", 0.05)
        assert (await served.post("/connections/OB/test")).status_code == 504


async def test_reload(world: ServedWorld) -> None:
    world.simple()
    async with world.serving() as served:
        world.outbound("OB2")
        with_graph(served.engine, world.graph)
        changes: dict[str, Any] = {"added": ["OB2"], "changed": [], "removed": [], "unchanged": ["IB", "OB"]}
        words = ("warnings", "routers", "handlers", "code_sets", "schedules", "flagged", "stalls")
        changes |= {word: [] for word in (*words, "references", "references_added", "references_removed")}
        changes["dead_letters"] = 0
        assert (await served.post("/config/reload", {"dry_run": True})).json() == changes
        assert "OB2" not in served.engine.connections
        assert (await served.post("/config/reload")).json() == changes
        assert "OB2" in served.engine.connections


async def test_a_bad_configuration_is_answered_with_every_problem(world: ServedWorld) -> None:
    world.simple()

    def bad() -> Graph:
        raise ConfigurationError([Problem("no such router", "name it", "feed.py", 3, "IB"), Problem("twice")])

    async with world.serving() as served:
        object.__setattr__(served.engine.plan, "load", bad)
        answer = await served.post("/config/reload", {})
    assert answer.status_code == 422
    assert answer.json()["error"] == "the configuration has 2 problems"
    first = {"text": "no such router", "mend": "name it", "file": "feed.py", "line": 3, "name": "IB"}
    assert answer.json()["problems"][0] == first


async def test_reloads_wait_for_one_another(world: ServedWorld) -> None:
    world.simple()
    running: list[str] = []
    answers: list[httpx.Response] = []

    async def ask(served: Served) -> None:
        answers.append(await served.post("/config/reload"))

    def load() -> Graph:
        assert not running
        running.append("a load")
        trio.from_thread.run(trio.sleep, 0)
        trio.from_thread.run(trio.testing.wait_all_tasks_blocked, 0.01)
        running.clear()
        return world.graph

    async with world.serving() as served:
        object.__setattr__(served.engine.plan, "load", load)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask, served)
    assert [each.status_code for each in answers] == [200, 200, 200]


async def test_a_store_that_cannot_commit_is_answered_with_503(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.simple()
    monkeypatch.setattr("messagefoundry.engine.operations.COMMIT_SECONDS", 0.1)
    async with world.serving() as served:
        store = served.engine.committer._batches._store

        def lost(units: Any) -> None:
            raise StoreUnavailable("the disk is gone")

        with monkeypatch.context() as patch:
            patch.setattr(store, "commit", lost)
            answer = await served.post("/messages/replay", {"ids": [1]})
            health = await served.pages.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"error": "the disk is gone"})
    assert (health.status_code, health.json()["status"]) == (503, "unavailable")
    assert health.json()["error"] == "the store cannot commit: the disk is gone"


@pytest.mark.parametrize(
    ("page", "body", "status", "text"),
    [
        ("/messages/replay", b"", 400, "ids is missing"),
        ("/messages/replay", b'{"ids": []}', 400, "ids must have 1 to 10000 entries"),
        ("/messages/replay", b'{"ids": ["1"]}', 400, "ids.0 must be a whole number"),
        ("/messages/replay", b'{"ids": [9223372036854775808]}', 400, "ids.0 must be"),
        ("/messages/replay", b'{"ids": [1], "lane": "OB"}', 400, "lane is not known here: known are ids"),
        ("/messages/replay", b'{"ids": [1], "dos\\u00e9": "DOE^JANE"}', 400, "dos\u00e9 is not known here"),
        ("/messages/replay", b"[1]", 400, "the body must be"),
        ("/messages/replay", b"{ids", 400, "the body is not JSON"),
        ("/messages/replay?dry_run=1", b'{"ids": [1]}', 400, "dry_run is not known here"),
        ("/config/reload", b'{"dry_run": "no"}', 400, "dry_run must be"),
        ("/config/reload", b'{"dryrun": true}', 400, "dryrun is not known here: did you mean 'dry_run'?"),
        ("/connections/OB/stop", b'{"now": true}', 400, "now is not known here"),
        ("/messages/0/dead-letter", b'{"to": 7}', 400, "to must be text"),
    ],
    ids=range(13),
)
async def test_a_bad_order_gets_a_sentence_and_changes_nothing(
    world: ServedWorld, page: str, body: bytes, status: int, text: str
) -> None:
    world.simple()
    async with world.serving() as served:
        await served.engine.committer.drained()
        units = served.engine.committer.units
        answer = await served.control.post(page, content=body)
        assert served.engine.committer.units == units
    assert (answer.status_code, answer.json()["error"][: len(text)]) == (status, text)
    assert "DOE" not in answer.text


async def test_a_body_that_is_too_long_is_not_waited_for(world: ServedWorld) -> None:
    world.simple()
    async with world.serving(), await trio.open_unix_socket(control_address(world.socket)) as stream:
        await stream.send_all(TOO_LONG)
        answer = b""
        with trio.fail_after(5):
            while not answer.endswith(b"}\n"):
                answer += await stream.receive_some()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"the body is longer than 1048576 bytes" in answer


async def test_changes_are_logged_with_who_asked(world: ServedWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "messagefoundry")
    world.simple()
    async with world.serving() as served:
        await served.post("/connections/OB/stop", actor="ann")
        await served.control.post("/messages/replay", content=b"")
    assert "/connections/OB/stop by ann: 200" in caplog.text
    assert "/messages/replay by the control socket: 400" in caplog.text


async def test_what_was_begun_is_finished_although_the_client_hangs_up(world: ServedWorld) -> None:
    world.simple()
    loading, left = trio.Event(), trio.Event()

    def load() -> Graph:
        trio.from_thread.run_sync(loading.set)
        trio.from_thread.run(left.wait)
        return world.graph

    async with world.serving() as served:
        world.outbound("OB2")
        world.handler(lambda msg: Send("OB2", msg))
        object.__setattr__(served.engine.plan, "load", load)
        async with trio.open_nursery() as client:
            client.start_soon(served.post, "/config/reload")
            await loading.wait()
            client.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked(0.05)
        left.set()
        with trio.fail_after(5):
            while "OB2" not in served.engine.connections:
                await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_change_that_cannot_be_made_does_not_keep_the_engine_from_stopping(
    world: ServedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.simple()
    monkeypatch.setattr("messagefoundry.api.control.GRACE_SECONDS", 0.1)
    monkeypatch.setattr("messagefoundry.engine.run.LAST_COMMIT_SECONDS", 0.1)
    asked, answers = trio.Event(), []

    def lost(units: Any) -> None:
        asked.set()
        raise StoreUnavailable("the disk is gone")

    async def ask(served: Served) -> None:
        answers.append(await served.post("/messages/replay", {"ids": [1]}))

    with trio.fail_after(10):
        async with world.serving(shutdown_timeout_seconds=0.1) as served, trio.open_nursery() as nursery:
            await served.engine.committer.drained()
            store = served.engine.committer._batches._store
            token = trio.lowlevel.current_trio_token()
            monkeypatch.setattr(store, "commit", lambda units: trio.from_thread.run_sync(lost, units, trio_token=token))
            nursery.start_soon(ask, served)
            await asked.wait()
            served.engine.stop()
    assert [(each.status_code, each.json()) for each in answers] == [(503, {"error": "the engine is stopping"})]
