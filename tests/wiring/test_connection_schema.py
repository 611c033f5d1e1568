"""What the schema of connections.toml tells editors of the values that are tables, and of choices."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from messagefoundry import BatchConfig, BuildupThreshold, Dedupe, RetryPolicy, StallThreshold
from messagefoundry.plugins import installed
from messagefoundry.wiring.connection_schema import file_schema
from messagefoundry.wiring.values import AckAfter, AckOnDeadline, InternalErrorPolicy, OrderingMode

SCHEMA = file_schema([each.spec for each in installed().connectors.values()])


def keyword(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["properties"][kind]["items"]["properties"][name]
    return found


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("inbound", "dedupe", Dedupe),
        ("outbound", "retry", RetryPolicy),
        ("outbound", "buildup", BuildupThreshold),
        ("outbound", "stall", StallThreshold),
        ("outbound", "batch", BatchConfig),
    ],
)
def test_a_table_has_the_keys_of_its_value(kind: str, name: str, value: Any) -> None:
    table = keyword(kind, name)
    assert list(table["properties"]) == [each.name for each in fields(value)]
    assert table["required"] == [each.name for each in fields(value) if each.default is MISSING]
    assert table["additionalProperties"] is False
    for each in fields(value):
        (taken, env) = table["properties"][each.name]["anyOf"]
        said = {"default": each.default} if each.default not in (None, MISSING) else {}
        assert {key: given for key, given in taken.items() if key == "default"} == said
        assert env == {"$ref": "#/$defs/env"}


@pytest.mark.parametrize(
    ("kind", "name", "choices"),
    [
        ("inbound", "ack_after", AckAfter),
        ("inbound", "ack_on_deadline", AckOnDeadline),
        ("outbound", "ordering", OrderingMode),
        ("outbound", "internal_error", InternalErrorPolicy),
    ],
)
def test_a_choice_is_enumerated(kind: str, name: str, choices: Any) -> None:
    assert keyword(kind, name)["anyOf"][0] == {"enum": [str(each) for each in choices]}


@pytest.mark.parametrize("kind", ["inbound", "outbound"])
def test_every_key_says_what_it_takes(kind: str) -> None:
    said = SCHEMA["properties"][kind]["items"]["properties"]
    assert [name for name, each in said.items() if not each] == ["settings"]
