"""A message as the engine has it, with what it was passed on as within the engine, and its way in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from messagefoundry.cli.status import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Page = dict[str, Any]
"""A message with its work, its trail and its children."""

FINAL = frozenset({"PROCESSED", "FILTERED", "UNROUTED", "ERROR"})


def settled(pages: Sequence[Page]) -> bool:
    """Whether a message and all that it was passed on as have their dispositions."""
    return all(page["message"]["disposition"] in FINAL for page in pages)


def work_of(pages: Sequence[Page], lane: str) -> list[Page]:
    """The outbound work for one lane."""
    return [each for page in pages for each in page["work"] if each["lane"] == lane]


def owner_of(pages: Sequence[Page], lane: str) -> Page:
    """The first message that has work for a lane; the message itself when none has."""
    return next((page for page in pages if work_of([page], lane)), pages[0])


def delivered_to(pages: Sequence[Page]) -> set[str]:
    """The lanes that have delivered something."""
    return {each["lane"] for page in pages for each in page["work"] if each["state"] == "delivered"}


def way_of(pages: Sequence[Page]) -> list[str]:
    """The way of a message, and behind it that of each message that it was passed on as."""
    return [each for page in pages for each in trail_of(page)]


def why(work: Page) -> str:
    """Why a piece of work waits."""
    attempts = work["attempts"]
    return f"tried {attempts} times, last: {work['error'] or 'no answer'}" if attempts else "not tried yet"


def trail_of(page: Page) -> list[str]:
    """The way of a message in a few words a step, errors with their first line alone."""
    errors = {each["handler"]: each["error"] for each in page["work"] if each["stage"] != "outbound"}
    return [step(event, errors) for event in page["trail"]]


def step(event: Page, errors: Mapping[str, str]) -> str:
    """One event of a trail."""
    kind, connection, detail = event["kind"], event["connection"], event["detail"]
    text = detail if isinstance(detail, str) else ""
    error = first_line(str(detail.get("error") or "")) if isinstance(detail, dict) else ""
    told = {
        "received": f"received by {connection}",
        "routed": f"routed to {text}",
        "unrouted": "no Handler named",
        "filtered": f"filtered by {text}",
        "failed": f"failed: {errors.get(text) or text}",
        "retry": f"{connection} tries again: {error or text}",
        "dead": f"{connection} dead letter: {error or text}",
        "replay": "replayed",
        "delivered": f"delivered to {connection}",
    }
    return told.get(kind, f"{kind} {connection} {text}".strip())
