"""The keywords of inbound() and outbound(): what each may be, and the sentence when it is something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, time
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import inf, isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.sentences import what_it_must_be
from messagefoundry.wiring.schedule_form import ScheduleError, schedule_of
from messagefoundry.wiring.values import (
    AckAfter,
    AckMode,
    AckOnDeadline,
    BatchConfig,
    BuildupThreshold,
    Dedupe,
    InternalErrorPolicy,
    OrderingMode,
    RetryPolicy,
    StallThreshold,
)

if TYPE_CHECKING:
    from messagefoundry.wiring.schedule import Schedule

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z")


class BadOptionError(Exception):
    """An option has a value that it cannot have; the text goes on from the option's name and never shows the value."""


def text(value: Any) -> str:
    """A name."""
    if not isinstance(value, str) or not value.strip():
        raise BadOptionError("must be text")
    return value


def flag(value: Any) -> bool:
    """True or False, or the words for them that a variable holds."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise BadOptionError("must be True or False")


def one_of(choices: type[Choice]) -> Callable[[Any], Choice]:
    """A member of an enumeration, or its value as text."""

    def read(value: Any) -> Choice:
        try:
            return choices(value)
        except ValueError:
            raise BadOptionError(f"must be one of {', '.join(choices)}") from None

    return read


def instance_of(kind: type[Value]) -> Callable[[Any], Value]:
    """A value of a class, or a table of its fields."""

    def read(value: Any) -> Value:
        if isinstance(value, kind):
            return value
        if isinstance(value, Mapping):
            return from_table(kind, value)
        raise BadOptionError(f"must be a {kind.__name__}")

    return read


@cache
def checking(kind: type[Any]) -> TypeAdapter[Any]:
    """What checks the fields of a dataclass, made once."""
    return TypeAdapter(kind)


def from_table(kind: type[Value], table: Mapping[str, Any]) -> Value:
    """The dataclass `kind` with the fields of a table of connections.toml, every value checked."""
    known = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            mend = did_you_mean(key, known)
            raise BadOptionError(f"has no key {key!r}{f': {mend}' if mend else ''}")
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name not in table and each.default is each.default_factory is MISSING:
            raise BadOptionError(f"needs {each.name!r}")
    try:
        found: Value = checking(kind).validate_python(dict(table))  # type: ignore[arg-type]
    except ValidationError as error:
        (wrong, *_) = error.errors(include_url=False, include_input=False)
        named = f"has {wrong['loc'][0]!r}, which " if wrong["loc"] else ""
        raise BadOptionError(f"{named}{what_it_must_be(wrong['type'], dict(wrong))}") from None
    return found


def positive(value: Any) -> int:
    """A number of bytes."""
    try:
        number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else 0
    except ValueError:
        number = 0
    if number < 1:
        raise BadOptionError("must be a whole number above 0")
    return number


def seconds(value: Any) -> float:
    """A time in seconds."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise BadOptionError("must be a number of seconds above 0")
    return number


def labels(value: Any) -> Mapping[str, Any]:
    """Labels for people, by name, as JSON has them: dates and times become text of ISO 8601."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadOptionError("must be a dict whose keys are text")
    return MappingProxyType({key: _label(each) for key, each in value.items()})


def _label(value: Any) -> Any:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _label(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_label(each) for each in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | int | None) or (isinstance(value, float) and isfinite(value)):
        return value
    raise BadOptionError("must hold text, numbers, True or False, dates, and lists and dicts of them")


def schedule(value: Any) -> Schedule:
    """Weekly windows in a time zone."""
    try:
        return schedule_of(value)
    except ScheduleError as error:
        raise BadOptionError(str(error)) from None


def interface(value: Any) -> str:
    """An address that a listener can bind."""
    if isinstance(value, str) and (_is_address(value) or HOST_NAME.match(value)):
        return value
    raise BadOptionError("must be the IP address or host name of one interface, without a port")


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def networks(value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks in CIDR notation, as a list or as text with commas."""
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in entries):
        raise BadOptionError("must be a list of networks such as '10.1.0.0/16'")
    if not entries:
        raise BadOptionError("is empty: leave it out to let every peer in, or name networks")
    return tuple(_network(entry.strip()) for entry in entries)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry)
    except ValueError:
        raise BadOptionError(f"has {entry!r}, which is not a network such as '10.1.0.0/16' or '10.1.2.3'") from None


Reader = Callable[[Any], Any]

INBOUND: Mapping[str, Reader] = {
    "router": text,
    "ack_mode": one_of(AckMode),
    "ack_after": one_of(AckAfter),
    "ack_deadline_seconds": seconds,
    "ack_on_deadline": one_of(AckOnDeadline),
    "content_type": text,  # a plugin may register one that is not of ContentType
    "auto_start": flag,
    "deployed": flag,
    "schedule": schedule,
    "metadata": labels,
    "flagged": flag,
    "bind_address": interface,
    "source_ip_allowlist": networks,
    "max_message_bytes": positive,
    "strict": flag,
    "hl7_version": text,
    "strict_timeout_s": seconds,
    "dedupe": instance_of(Dedupe),
}

OUTBOUND: Mapping[str, Reader] = {
    "retry": instance_of(RetryPolicy),
    "ordering": one_of(OrderingMode),
    "internal_error": one_of(InternalErrorPolicy),
    "buildup": instance_of(BuildupThreshold),
    "batch": instance_of(BatchConfig),
    "simulate": flag,
    "auto_start": flag,
    "deployed": flag,
    "schedule": schedule,
    "stall": instance_of(StallThreshold),
    "metadata": labels,
    "flagged": flag,
}

LISTENERS_ONLY = ("bind_address", "source_ip_allowlist")
INTAKE_ONLY = ("ack_mode", "ack_after", "dedupe", "strict", "max_message_bytes", "schedule")
"""Options that say what comes in from outside, and how it is answered."""

NOT_YET: Mapping[str, tuple[Any, ...]] = {
    "messages_days": (None,),
    "dead_letter_days": (None,),
}
"""Options of the published interface that are not built, with the values that ask for nothing."""
