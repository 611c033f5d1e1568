"""What the engine itself registers, through the same hooks as everybody else."""

from __future__ import annotations

from keyword import iskeyword

from messagefoundry.contracts import (
    AlertSinkSpec,
    BlueprintSpec,
    CodecSpec,
    CommandSpec,
    ConnectorSpec,
    ReferenceSourceSpec,
    hookimpl,
)

contract = 1

COMMANDS = {
    "init": "Create a configuration repository that runs at once.",
    "serve": "Run the engine.",
    "validate": "Check a configuration and name all of its problems.",
    "check": "Validate a configuration and dry-run its fixtures, for CI.",
    "graph": "Show what a configuration wires.",
    "connection": "Declare Connections in connections.toml.",
    "codeset": "List and show code sets.",
    "impact": "Say who refers to a Connection, a Router, a Handler, a code set or a reference set.",
    "dryrun": "Run messages through Routers and Handlers without sending anything.",
    "replay-diff": "Run messages of the store through a configuration and show what would change.",
    "doctor": "Check what is installed and what a configuration needs.",
    "plugins": "List the installed plugins.",
    "status": "Say how the engine is doing, or why one lane waits.",
    "connections": "List, start, stop and test Connections.",
    "messages": "List, show, replay, resend and dead-letter messages.",
    "dead-letters": "List and replay dead letters.",
    "reload": "Load the configuration again in the running engine.",
    "backup": "Copy the store to a file while the engine runs.",
    "store": "Say what state the store is in, migrate it, or move it to another database.",
    "send": "Send messages over MLLP and print each answer.",
    "demo": "Run a synthetic feed from socket to socket.",
    "harness": "Prove an interface before there is traffic: scenarios, a partner with faults, load profiles.",
    "generate": "Make up conformant HL7 messages in which nobody is real.",
    "import": "Turn interfaces of another engine into modules of a configuration.",
}
"""Name and summary of each command; `messagefoundry.cli.<name>` has the click command `command`."""


@hookimpl
def register_codecs() -> list[CodecSpec]:
    """The content types that need no plugin."""
    return [
        CodecSpec("hl7v2", "messagefoundry.codecs.hl7v2:HL7V2"),
        CodecSpec("json", "messagefoundry.codecs.raw:JSON"),
        CodecSpec("xml", "messagefoundry.codecs.raw:XML"),
        CodecSpec("text", "messagefoundry.codecs.raw:TEXT"),
        CodecSpec("binary", "messagefoundry.codecs.raw:BINARY"),
    ]


@hookimpl
def register_connectors() -> list[ConnectorSpec]:
    """Inbounds that receive from the engine itself."""
    ours = "messagefoundry.internal"
    return [
        ConnectorSpec(name, f"{ours}:{name}", f"{ours}:{name}Settings", inbound=f"{ours}:InternalInbound")
        for name in ("PassThrough", "Loopback")
    ]


@hookimpl
def register_alert_sinks() -> list[AlertSinkSpec]:
    """Alerts go to the log when nothing else is configured."""
    return [AlertSinkSpec("logging", "messagefoundry.alerts.logging_sink:LoggingSink")]


@hookimpl
def register_reference_sources() -> list[ReferenceSourceSpec]:
    """Tables in files."""
    ours = "messagefoundry.wiring.reference_files"
    return [ReferenceSourceSpec("FileRef", f"{ours}:FileRef", f"{ours}:FileSettings", f"{ours}:FileSource")]


@hookimpl
def register_commands() -> list[CommandSpec]:
    """The commands of `messagefoundry`."""
    return [
        CommandSpec(name, summary, f"messagefoundry.cli.{_module_of(name)}:command")
        for name, summary in COMMANDS.items()
    ]


def _module_of(command: str) -> str:
    """The module of a command; a name that Python keeps for itself has a line behind it."""
    module = command.replace("-", "_")
    return f"{module}_" if iskeyword(module) else module


@hookimpl
def register_blueprints() -> list[BlueprintSpec]:
    """The HTTP pages: read-only ones on the network, changing ones on the owner-only socket."""
    return [
        BlueprintSpec("health", "messagefoundry.api.health:blueprint"),
        BlueprintSpec("views", "messagefoundry.api.views:blueprint"),
        BlueprintSpec("control", "messagefoundry.api.control:blueprint", control=True),
    ]
