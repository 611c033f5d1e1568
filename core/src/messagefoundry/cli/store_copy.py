"""`messagefoundry store copy`: a whole store moves to another database, table by table, and is compared."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from messagefoundry.cli import options
from messagefoundry.cli.configured import Call, Configured
from messagefoundry.cli.failures import NotFine, WrongCall
from messagefoundry.cli.output import Column, plural, show_json, show_table
from messagefoundry.cli.store_upkeep import progress_shown, upkeep_of
from messagefoundry.contracts.errors import EngineRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from messagefoundry.contracts.stores import StoreTables

PORTION_ROWS = 5000
PORTION_BYTES = 8 << 20
"""What one transaction adds at most; a single row may be larger."""

Row = tuple[Any, ...]


@click.command("copy", short_help="Move the whole store to another database.")
@click.option("--to", "target", metavar="FILE", required=True, help="Settings (*.toml) with the other [store].")
@options.settings
@options.as_json
def copy(target: str, as_json: bool, **call: Any) -> None:
    """Copy the whole store into another, empty database, and compare the two row by row.

    --to names a settings file whose [store] says where that is; any other name is the path of a new SQLite file. No
    engine may run on the store. A copy that was broken off goes on when the command is called again; until it is
    complete and equal, no engine opens it. The old store stays as it is.
    """
    configured = Configured(Call(**call))
    other = other_store(configured, target)
    with ExitStack() as open_ones, progress_shown(quiet=as_json) as progress:
        hold_still(configured, open_ones)
        source = open_ones.enter_context(closing(upkeep_of(configured).tables(configured.location)))
        filled = open_ones.enter_context(closing(upkeep_of(other).tables(other.location, fill=True)))
        copied = Copying(source, filled, progress).run()
    place = other.stores.describe(other.location)
    if as_json:
        tables = {each.table: {"rows": each.rows, "hash": each.digest} for each in copied}
        show_json({"copied_to": place, "tables": tables})
        return
    cells = [(each.table, f"{each.rows:,}", each.digest) for each in copied]
    show_table(("TABLE", Column("ROWS", right=True), "HASH"), cells)
    rows = sum(each.rows for each in copied)
    click.echo(f"{plural(rows, 'row')} copied and found equal: {place}")


def other_store(configured: Configured, target: str) -> Configured:
    """The instance whose store is to be filled. Raises WrongCall."""
    if "://" in target:
        raise WrongCall("--to takes no URL: name a settings file (*.toml) whose [store] says where the database is")
    call = configured.call
    if target.endswith(".toml"):
        other = Configured(Call(service_config=Path(target), env=call.env, project_root=call.project_root))
    else:
        settings = configured.settings
        if settings.store.backend != "sqlite":
            raise WrongCall("--to names a file, and this store is none: name a settings file (*.toml)")
        other = Configured(replace(call, db=target))
    if other.location == configured.location:
        raise WrongCall("both are the same store: MEFOR_STORE_* and --db override the [store] of both settings files")
    return other


def hold_still(configured: Configured, until: ExitStack) -> None:
    """See that no engine runs on the store meanwhile. Raises NotFine."""
    upkeep_of(configured).state(configured.location)  # there is a store: holding one leaves a lock behind
    try:
        until.callback(configured.stores.hold(configured.location).release)
    except EngineRunning as error:
        raise NotFine(f"{error}; stop it first: a store that changes cannot be copied") from error


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that is equal in both stores. The hash does not depend on the order of its rows."""

    table: str
    rows: int
    digest: str


@dataclass(slots=True)
class Copying:
    """Copies `source` into `target`, going on where a copy was broken off; counts rows for `progress`."""

    source: StoreTables
    target: StoreTables
    progress: Callable[[int, int], None]
    _total: int = 0
    _done: int = field(default=0)

    def run(self) -> list[Copied]:
        """Copy and compare every table, then let engines open the target. Raises NotFine for a difference."""
        # Each row is read once to be copied, and once on either side to be compared.
        self._total = 3 * sum(self.source.count(table) for table in self.source.names)
        copied = [self._table(table) for table in self.source.names]
        self.target.finish()
        return copied

    def _table(self, table: str) -> Copied:
        last = self.target.last(table)
        self._fill(table, last)
        mine, theirs = self._compared(table)
        if mine != theirs and last is not None:
            # The source has gone on since the copy was broken off.
            self._fill(table, None)
            mine, theirs = self._compared(table)
        if mine != theirs:
            raise NotFine(
                f"the table {table} is not equal in the copy: {mine.rows:,} and {theirs.rows:,} rows; "
                "the copy stays unfinished, and no engine opens it"
            )
        return mine

    def _fill(self, table: str, after: int | None) -> None:
        if after is None:
            self.target.clear(table)
        else:
            self._advance(self.target.count(table))
        for portion in portions(self.source.rows(table, after)):
            self.target.add(table, portion)
            self._advance(len(portion))

    def _compared(self, table: str) -> tuple[Copied, Copied]:
        return self._digest(self.source, table), self._digest(self.target, table)

    def _digest(self, tables: StoreTables, table: str) -> Copied:
        count, total = 0, 0
        for row in tables.rows(table):
            count += 1
            total += int.from_bytes(blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest())
            if not count % PORTION_ROWS:
                self._advance(PORTION_ROWS)
        self._advance(count % PORTION_ROWS)
        return Copied(table, count, f"{total % (1 << 128):032x}")

    def _advance(self, rows: int) -> None:
        self._done += rows
        self.progress(min(self._done, self._total), self._total)


def portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in portions of a bounded number of rows and bytes."""
    portion: list[Row] = []
    size = 0
    for row in rows:
        portion.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes | str))
        if len(portion) == PORTION_ROWS or size >= PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
