"""`messagefoundry connection`: the Connections of a configuration as data, and changes to `connections.toml`."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, get_args

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.connection_change import Change, judge, remove, upsert, write
from messagefoundry.cli.failures import WrongCall, say
from messagefoundry.cli.output import Column, show_json, show_table, styled
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.contracts.settings import Direction
from messagefoundry.contracts.specs import ConnectorSpec, load
from messagefoundry.contracts.transport import Transport
from messagefoundry.plugins import installed, offer
from messagefoundry.wiring.connection_schema import file_schema, options_schema, secrets
from messagefoundry.wiring.environment import CASTS, MISSING, EnvReference
from messagefoundry.wiring.loader import load_modules
from messagefoundry.wiring.toml_lines import names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

    from messagefoundry.wiring.connections_file import Kind
    from messagefoundry.wiring.recording import Declaration

HIDDEN = "********"
COLOURS = {"+": "green", "-": "red"}

dry_run = click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")


@click.group("connection")
def command() -> None:
    """List the Connections of a configuration, and change those of connections.toml.

    A change keeps comments and order. It is refused if the configuration would not be valid with it. The running
    engine takes it up with `messagefoundry reload`.
    """


# -- list ------------------------------------------------------------------------------------------------------------


@command.command("list", short_help="Where each Connection is declared.")
@options.config
@options.as_json
def show_all(config: Path, as_json: bool) -> None:
    """Every Connection that the modules and connections.toml declare, valid or not.

    Values of the environment are shown as they are written. Secrets are not shown.
    """
    record = load_modules(config)
    found = [facts(each) for each in record.connections]
    if as_json:
        show_json({"connections": found, "problems": [str(each) for each in record.problems]})
        return
    columns = (Column("CONNECTION", style="bold"), "DIRECTION", "TRANSPORT", "ROUTER", "DECLARED")
    rows = [(each["name"], each["direction"], each["transport"], each["router"], each["place"]) for each in found]
    show_table(columns, rows)
    for problem in record.problems:
        say(f"warning: {problem}")


def facts(declared: Declaration) -> dict[str, Any]:
    """A declaration for programs; `editable` ones stand in connections.toml."""
    spec = declared.spec if isinstance(declared.spec, Transport) else None
    written = {key: plain(value) for key, value in declared.options.items()}
    return {
        "name": declared.label,
        "direction": declared.kind,
        "transport": None if spec is None else spec.connector,
        "router": written.pop("router", None),
        "place": str(declared.place),
        "editable": declared.entry is not None,
        "options": written,
        "settings": {} if spec is None else settings_of(spec),
    }


def settings_of(spec: Transport) -> dict[str, Any]:
    """A connector's options as written; of one that is not installed it is not known which are secret."""
    registered = installed().connectors.get(spec.connector)
    hidden = frozenset(spec.options) if registered is None else secrets(load(registered.spec.settings))
    return {
        key: HIDDEN if key in hidden and not isinstance(value, EnvReference) else plain(value)
        for key, value in spec.options.items()
    }


def plain(value: Any) -> Any:
    """A value as JSON has it; a reference as connections.toml does."""
    if isinstance(value, EnvReference):
        cast = {} if value.cast is None else {"cast": CASTS.get(value.cast, "?")}
        return {"env": value.key, **cast, **({} if value.default is MISSING else {"default": value.default})}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


# -- change ----------------------------------------------------------------------------------------------------------


@command.command("upsert", short_help="Add a Connection, or change some of its keys.")
@click.argument("direction", type=click.Choice(get_args(Direction)))
@click.argument("name")
@click.option("--transport", metavar="NAME", help="The connector, such as MLLP.")
@click.option("--router", metavar="NAME", help="The Router of an inbound.")
@click.option("--set", "assignments", metavar="KEY=VALUE", multiple=True, help="Set a key; may be given again.")
@click.option("--unset", "removals", metavar="KEY", multiple=True, help="Remove a key; may be given again.")
@click.option("--from", "document", metavar="FILE", type=click.File("r"), help="Read keys as JSON; - is the input.")
@dry_run
@options.configuration
@options.allow_insecure_bind
@options.as_json
def upsert_one(
    direction: Kind,
    name: str,
    transport: str | None,
    router: str | None,
    assignments: tuple[str, ...],
    removals: tuple[str, ...],
    document: TextIO | None,
    dry_run: bool,
    as_json: bool,
    **call: Any,
) -> None:
    """Add the Connection NAME to connections.toml, or change the keys that are given and leave the others.

    KEY is dotted: `settings.port`, `metadata.owner`, `retry.max_attempts`. VALUE is what would stand in the file, as in
    `settings.port={ env = "lab_port", cast = "int" }`; what is no TOML is text. The document of --from is a JSON merge
    patch (RFC 7396): null removes a key.
    """
    patch = {} if document is None else patch_of(document)
    for key, value in (("transport", transport), ("router", router)):
        if value is not None:
            patch[key] = value
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise WrongCall(f"--set {assignment}: write KEY=VALUE")
        put(patch, key, value_of(text.strip()))
    for key in removals:
        put(patch, key, None)
    configured = Configured(Call(**call))
    finish(configured, upsert(configured, direction, name, patch), dry_run=dry_run, as_json=as_json)


def patch_of(document: TextIO) -> dict[str, Any]:
    """A merge patch. Raises WrongCall."""
    try:
        patch = json.load(document)
    except ValueError as error:
        raise WrongCall(f"what --from names is not readable as JSON: {error}") from None
    if not isinstance(patch, dict):
        raise WrongCall("what --from names is no JSON object with the keys of a Connection")
    if has_null_in_a_list(patch):
        raise WrongCall("what --from names has null in a list: null can only remove a key")
    return patch


def has_null_in_a_list(value: Any) -> bool:
    """Whether there is a null that TOML has no word for."""
    if isinstance(value, dict):
        return any(map(has_null_in_a_list, value.values()))
    return isinstance(value, list) and any(each is None or has_null_in_a_list(each) for each in value)


def put(patch: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key. Raises WrongCall for what is none."""
    try:
        *tables, last = names(key.strip())
    except (tomllib.TOMLDecodeError, ValueError):
        raise WrongCall(f"{key!r} is no key: write it like settings.port") from None
    for name in tables:
        patch = patch.setdefault(name, {})
        if not isinstance(patch, dict):
            raise WrongCall(f"{key!r} is inside of a value that is given too")
    patch[last] = value


def value_of(text: str) -> Any:
    """What a value is in TOML, else the text itself."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text


@command.command("remove", short_help="Take a Connection out of connections.toml.")
@click.argument("name")
@dry_run
@options.configuration
@options.allow_insecure_bind
@options.as_json
def remove_one(name: str, dry_run: bool, as_json: bool, **call: Any) -> None:
    """Take the Connection NAME out of connections.toml, with the comment directly above it."""
    configured = Configured(Call(**call))
    finish(configured, remove(configured, name), dry_run=dry_run, as_json=as_json)


def finish(configured: Configured, change: Change, *, dry_run: bool, as_json: bool) -> None:
    """Judge a change, write it unless it is only to be shown, and say what it is."""
    if change.action != "unchanged":
        judge(configured, change)
        if not dry_run:
            write(change)
    if as_json:
        show_json(change.as_json(dry_run=dry_run))
    elif dry_run:
        show_diff(change.diff().splitlines())
    else:
        hint = "" if change.action == "unchanged" else "; messagefoundry reload puts it into the running engine"
        click.echo(f"{change.action}: {change.kind} {change.name} in {change.file}{hint}")


def show_diff(lines: Iterable[str]) -> None:
    """The lines of a unified diff, in colour on a terminal."""
    for line in lines:
        click.echo(styled(line, fg=COLOURS.get(line[:1])))


# -- schema ----------------------------------------------------------------------------------------------------------


@command.command("schema", short_help="The JSON schema of a connector's options, or of the file.")
@click.argument("transport", required=False)
@click.option("--direction", type=click.Choice(get_args(Direction)), help="Only the options of one direction.")
@options.as_json
def show_schema(transport: str | None, direction: Direction | None, as_json: bool) -> None:
    """Print the JSON schema of TRANSPORT's options; without it that of connections.toml, for editors.

    Both are what the installed plugins accept. A schema is JSON in any case.
    """
    if transport is None:
        show_json(file_schema(each.spec for each in installed().connectors.values()))
        return
    spec = connector(transport)
    if direction is not None and getattr(spec, direction) is None:
        raise WrongCall(f"{transport} has no {direction} Connections")
    show_json(options_schema(spec, direction))


def connector(name: str) -> ConnectorSpec:
    """What a plugin registered under this name. Raises WrongCall."""
    here = installed()
    if name in here.connectors:
        return here.connectors[name].spec
    offered = offer("connector", name, here.broken)
    raise WrongCall(
        str(offered)
        if offered is not None
        else f"no installed plugin has the connector {name!r}: {did_you_mean(name, here.connectors)}".rstrip(": ")
    )
