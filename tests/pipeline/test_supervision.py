"""Supervision alone, on a clock that jumps: what people want, what a schedule lets, and what breaks meanwhile."""

from __future__ import annotations

import trio
import trio.testing

from messagefoundry.pipeline.supervision import Supervised


class Fragile:
    """Runs until it is cancelled, and breaks when it is."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            raise OSError("the port would not close")


class Short:
    """Has no more to do at once."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()


def silent(kind: str, detail: str, alert: bool) -> None:
    """Hear nothing."""


async def test_what_breaks_while_it_is_ended_is_not_started_again(autojump_clock: trio.testing.MockClock) -> None:
    told: list[str] = []
    connection = Supervised("C", Fragile, lambda kind, detail, alert: told.append(kind))
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(connection.run)
        connection.end()
        await connection.over.wait()
    assert trio.current_time() == began
    assert told == ["started"]
    assert connection.wanted


async def test_what_breaks_while_its_schedule_closes_it_is_outside_of_its_schedule(
    autojump_clock: trio.testing.MockClock,
) -> None:
    connection = Supervised("C", Fragile, silent)
    async with trio.open_nursery() as nursery:
        await nursery.start(connection.run)
        connection.close()
        await connection.settled()
        assert connection.state == "outside its schedule"
        connection.end()


async def test_what_had_no_more_to_do_runs_again_at_the_next_window(autojump_clock: trio.testing.MockClock) -> None:
    told: list[str] = []
    connection = Supervised("C", Short, lambda kind, detail, alert: told.append(kind))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await trio.testing.wait_all_tasks_blocked()
        assert connection.state == "stopped"
        connection.close()
        connection.open()
        await trio.testing.wait_all_tasks_blocked()
        connection.end()
    assert told == ["started", "stopped", "started", "stopped"]


async def test_what_was_stopped_before_it_opens_hears_of_it(autojump_clock: trio.testing.MockClock) -> None:
    connection = Supervised("C", Short, silent, opened=False)
    async with trio.open_nursery() as nursery:
        await nursery.start(connection.run)
        states = [connection.state]
        connection.stop()
        await connection.settled()
        states.append(connection.state)
        connection.open()
        await trio.testing.wait_all_tasks_blocked()
        states.append(connection.state)
        connection.end()
    assert states == ["outside its schedule", "stopped", "stopped"]
