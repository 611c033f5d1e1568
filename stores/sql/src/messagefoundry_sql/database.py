"""What differs from one database to the next, as far as committing is concerned."""

from __future__ import annotations

from dataclasses import dataclass
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

    They are written with `?` for a parameter. `member` is a template that compares `{column}` with a list bound as ONE
    parameter, which `listed` makes of the ids: one text serves lists of any length, and the driver's statement cache
    hits. `limit` ends a query with the number of rows wanted, `begin` begins a transaction that will write.
    """

    placeholder: str
    member: str
    listed: Callable[[Sequence[int]], Any]
    limit: str
    begin: str

    def spell(self, statement: str) -> str:
        """`statement` with this dialect's placeholders."""
        return statement if self.placeholder == "?" else statement.replace("?", self.placeholder)

    def among(self, column: str) -> str:
        """The condition that `column` is in a list bound as one parameter."""
        return self.member.format(column=column)


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
        """What an error of the driver means: StoreUnavailable, StoreFull, CorruptStore, or UnstorableUnit."""

    def rollback(self) -> None:
        """End the transaction, if there is one, without its changes. Never raises."""

    def bytes_free(self) -> int | None:
        """Space left, or None when that cannot be known."""

    def close(self) -> None:
        """Close."""
