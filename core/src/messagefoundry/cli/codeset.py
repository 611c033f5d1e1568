"""`messagefoundry codeset`: the code sets of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.failures import WrongCall
from messagefoundry.cli.output import Column, plural, show_json, show_table
from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.contracts.nearest import did_you_mean
from messagefoundry.wiring.codesets import CodeSet, no_such, read_code_sets
from messagefoundry.wiring.frozen_tables import Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ONE = "value"
"""The heading of the values of a code set that has one column of them."""


@click.group("codeset")
def command() -> None:
    """List and show the code sets of a configuration: the tables in its folder `codesets`."""


@command.command("list", short_help="Every code set, its size and its columns.")
@options.config
@options.as_json
def show_all(config: Path, as_json: bool) -> None:
    """Every code set with the number of its codes, its columns and its file."""
    found = [facts(each) for each in sound(config).values()]
    if as_json:
        show_json(found)
        return
    columns = (Column("CODE SET", style="bold"), Column("CODES", right=True), "COLUMNS", "FILE")
    show_table(columns, [(each["name"], each["codes"], ", ".join(each["columns"]), each["file"]) for each in found])


@command.command("show", short_help="The codes of one code set.")
@click.argument("name")
@options.config
@options.as_json
def show_one(name: str, config: Path, as_json: bool) -> None:
    """Every code of NAME with what stands for it."""
    known = sound(config)
    if name not in known:
        raise WrongCall(f"{no_such(name)}: {did_you_mean(name, known)}".rstrip(": "))
    codes, columns = known[name], columns_of(known[name])
    if as_json:
        show_json({**facts(codes), "codes": {code: plain(value) for code, value in codes.items()}})
        return
    rows = [(code, *cells(value, columns)) for code, value in codes.items()]
    show_table((Column("CODE", style="bold"), *(each.upper() for each in columns)), rows)
    click.echo(f"{plural(len(codes), 'code')} in {codes.file}")


def sound(directory: Path) -> Mapping[str, CodeSet]:
    """The code sets of a configuration. Raises ConfigurationError when one of them has a problem."""
    if not directory.is_dir():
        raise WrongCall(f"{directory} is not a directory: name that of your configuration with --config")
    found, problems = read_code_sets(directory)
    if problems:
        raise ConfigurationError(problems)
    return found


def facts(codes: CodeSet) -> dict[str, Any]:
    """A code set for programs."""
    return {"name": codes.name, "codes": len(codes), "columns": columns_of(codes), "file": codes.file}


def columns_of(codes: CodeSet) -> list[str]:
    """The columns beside that of the code."""
    named = (list(value) if isinstance(value, Row) else [ONE] for value in codes.values())
    return list(dict.fromkeys(column for each in named for column in each))


def cells(value: Any, columns: list[str]) -> list[str]:
    """What stands for a code, by column."""
    row = value if isinstance(value, Row) else {ONE: value}
    return [str(row.get(column, "")) for column in columns]


def plain(value: Any) -> Any:
    """A value as JSON has it: the dates and times of TOML are text there."""
    if isinstance(value, Row):
        return {column: plain(each) for column, each in value.items()}
    return value if isinstance(value, str | int | float | bool) else str(value)
