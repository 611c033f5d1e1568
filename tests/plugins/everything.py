"""A plugin that registers one thing through every hook. Its parts are in everything_parts.py."""

from __future__ import annotations

from messagefoundry.contracts import (
    AlertSinkSpec,
    BlueprintSpec,
    CodecSpec,
    CommandSpec,
    ConnectorSpec,
    Requirement,
    StoreSpec,
    hookimpl,
)

contract = 1

PARTS = "tests.plugins.everything_parts"


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    parts = (f"{PARTS}:Whisper", f"{PARTS}:WhisperSettings", f"{PARTS}:Ear", f"{PARTS}:Mouth")
    return [ConnectorSpec("Whisper", *parts)]


@hookimpl
def register_codecs() -> list[CodecSpec]:
    return [CodecSpec("x12", f"{PARTS}:X12")]


@hookimpl
def register_stores() -> list[StoreSpec]:
    return [StoreSpec("acme", "messagefoundry.testing.memory.store:MEMORY")]


@hookimpl
def register_alert_sinks() -> list[AlertSinkSpec]:
    return [AlertSinkSpec("acme", f"{PARTS}:FileSink")]


@hookimpl
def register_commands() -> list[CommandSpec]:
    return [CommandSpec("acme-greet", "Greet.", f"{PARTS}:greet")]


@hookimpl
def register_blueprints() -> list[BlueprintSpec]:
    return [BlueprintSpec("acme", f"{PARTS}:blueprint")]


@hookimpl
def register_requirements() -> list[Requirement]:
    return [Requirement("modem", f"{PARTS}:modem", "plug it in")]
