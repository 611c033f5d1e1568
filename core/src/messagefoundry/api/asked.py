"""What a request asks for: query parameters and JSON bodies as typed values, or one sentence saying what is wrong.

No sentence quotes a value: it may be part of a message.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from quart import request

from messagefoundry.contracts.errors import MessageFoundryError
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.sentences import what_it_must_be

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_IDS = 10_000
LONGEST_NAME = 60


class Declined(MessageFoundryError):
    """A request is answered with an HTTP status and a sentence."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def moment(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 time; without an offset it is in the engine's zone."""
    # A "+" that was not escaped arrives as a space.
    text = re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", text)
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be an ISO 8601 time, such as 2026-11-22T03:15:00+01:00") from None


Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Name = Annotated[str, Field(max_length=200)]
Moment = Annotated[int, BeforeValidator(moment)]
Limit = Annotated[int, Field(ge=1, le=1000)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)]
Disposition = Literal["RECEIVED", "ROUTED", "UNROUTED", "PROCESSED", "FILTERED", "ERROR", "REFUSED"]


class Query(BaseModel):
    """The parameters of a page; without fields it takes none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MessagesQuery(Query):
    """Which messages to list, newest first; `before` is the id to go on below."""

    inbound: Name = ""
    disposition: Disposition | None = None
    type: Name = ""
    control_id: Name = ""
    since: Moment = 0
    until: Moment = 0
    meta: Name = ""
    parent: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    before: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Limit = 50

    @property
    def label(self) -> tuple[str, str]:
        """The label and its value behind `meta`, "name=value", or "name" for any value."""
        name, _, value = self.meta.partition("=")
        return name, value


class DeadLettersQuery(Query):
    """Which dead letters to list, oldest first; `after` is the id to go on above."""

    connection: Name = ""
    stage: Literal["ingress", "routed", "outbound"] | None = None
    type: Name = ""
    message: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    since: Moment = 0
    until: Moment = 0
    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Limit = 50


class EventsQuery(Query):
    """How many of a Connection's newest events."""

    limit: Limit = 50


class Order(BaseModel):
    """The JSON body of a request that changes something; without fields it is empty or {}."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReplayOrder(Order):
    """Which messages to replay."""

    ids: Ids


class ResendOrder(Order):
    """Which messages to resend, to one lane alone if `to` is given."""

    ids: Ids
    to: Name = ""


class DeadLetterOrder(Order):
    """For which lane alone, and why."""

    to: Name = ""
    reason: Annotated[str, Field(max_length=500)] = ""


class ReplayDeadOrder(Order):
    """Which dead letters to replay."""

    work_ids: Ids


class ReloadOrder(Order):
    """Whether to say only what would change."""

    dry_run: bool = False


Asked = TypeVar("Asked", bound=BaseModel)


def query(model: type[Asked]) -> Asked:
    """The query parameters of this request. Raises Declined."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Declined(400, f"{shown(name)} is given more than once")
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise Declined(400, sentences(error, model.model_fields)) from None


async def order(model: type[Asked]) -> Asked:
    """The JSON body of this request. Raises Declined."""
    body = await request.get_data() or b"{}"
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Declined(400, sentences(error, model.model_fields)) from None


def sentences(error: ValidationError, known: Iterable[str]) -> str:
    """Everything that is wrong, without any value."""
    known = list(known)
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(sentence(each["type"], list(each["loc"]), dict(each), known) for each in found[:10])


def sentence(kind: str, place: list[int | str], found: dict[str, object], known: list[str]) -> str:
    """One thing that is wrong."""
    name = shown(".".join(str(part) for part in place))
    if kind == "extra_forbidden":
        mend = did_you_mean(name, known)
        return f"{name} is not known here" + (f": {mend}" if mend else "")
    if kind == "missing":
        return f"{name} is missing"
    if kind == "json_invalid":
        return "the body is not JSON"
    if kind in ("too_long", "too_short"):
        return f"{name} must have 1 to {MOST_IDS} entries"
    return f"{name or 'the body'} {what_it_must_be(kind, found)}"


def shown(name: str) -> str:
    """A parameter's name as it was given, made harmless."""
    return "".join(each if each.isprintable() else "?" for each in name[:LONGEST_NAME])
