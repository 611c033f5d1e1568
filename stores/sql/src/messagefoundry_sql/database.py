"""What differs from one database to the next, as far as committing is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Cursor(Protocol):
    """The part of a DB-API cursor that is used."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run one statement."""

    def fetchall(self) -> list[Any]:
        """All rows of the last query."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How statements are spelled.

    They are written with `?` for a parameter; `placeholder` is what the driver wants instead, "$" for $1, $2, …
    `member` is a template that compares `{column}` with a list bound as ONE parameter, which `listed` makes of the ids:
    one text serves lists of any length, and the driver's statement cache hits. `limit` ends a query with the number of
    rows wanted, `begin` begins a transaction that will write. `guard`, where asking for the number of changed rows
    costs a round trip, is a template around `{statement}` that fails in the database unless that is the number given
    as one more parameter; the driver's error then means StaleUnit.
    """

    placeholder: str
    member: str
    listed: Callable[[Sequence[int]], Any]
    limit: str
    begin: str
    guard: str = ""

    def spell(self, statement: str) -> str:
        """`statement` with this dialect's placeholders."""
        return statement if self.placeholder == "?" else _spelled(statement, self.placeholder)

    def guarded(self, statement: str) -> str:
        """`statement` inside of the guard, spelled."""
        return self.spell(self.guard.format(statement=statement))

    def among(self, column: str) -> str:
        """The condition that `column` is in a list bound as one parameter."""
        return self.member.format(column=column)


@lru_cache(maxsize=1024)
def _spelled(statement: str, placeholder: str) -> str:
    if placeholder != "$":
        return statement.replace("?", placeholder)
    head, *rest = statement.split("?")
    return head + "".join(f"${number}{part}" for number, part in zip(count(1), rest, strict=False))


class Database(Protocol):
    """An open connection that writes. Its cursor runs in autocommit: transactions are begun and ended by text."""

    @property
    def dialect(self) -> Dialect:
        """How statements are spelled here."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    def cursor(self) -> Cursor:
        """A cursor of this connection."""

    def failure(self, error: Exception) -> Exception:
        """What an error of the driver means: StoreUnavailable, StoreFull, CorruptStore, UnstorableUnit, StaleUnit."""

    def rollback(self) -> None:
        """End the transaction, if there is one, without its changes. Never raises."""

    def bytes_free(self) -> int | None:
        """Space left, or None when that cannot be known."""

    def close(self) -> None:
        """Close."""
