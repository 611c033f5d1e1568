"""How statements are spelled for PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry_sql import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence


def _array(ids: Sequence[int]) -> str:
    """An array literal."""
    return "{" + ",".join(map(str, ids)) + "}"


DIALECT = Dialect(
    placeholder="$",
    member="{column} = ANY(?)",
    listed=_array,
    limit="LIMIT ?",
    begin="BEGIN",
    guard="WITH changed AS ({statement} RETURNING 1) SELECT 1 / (count(*) = ?)::int FROM changed",
)

STALE = "22012"
"""SQLSTATE of a division by zero: of the guard's, there is no other."""
