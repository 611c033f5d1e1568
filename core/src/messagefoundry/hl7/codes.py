"""Codes of one system as codes of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from messagefoundry.hl7.values import has_value

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = TypeVar("Value")
Default = TypeVar("Default")


def look_up(table: Mapping[str, Value], code: str | None, default: Default) -> Value | Default:
    """What `table` has for `code`, with or without the blanks around it; `default` when it has nothing.

    `table` is any mapping: a dict, a code set, a reference set. Name the component that holds the code, such as
    PV1-10.1. `default=msg["PV1-10.1"]` leaves an unknown code as it is. Without a value the default is given, unless
    the table has an entry for just that.

    >>> ward = {"MED": "MEDICINE", "SUR": "SURGERY"}
    >>> look_up(ward, "MED ", "OTHER"), look_up(ward, "URO", "OTHER"), look_up(ward, None, "OTHER")
    ('MEDICINE', 'OTHER', 'OTHER')
    """
    if code is None:
        return default
    for form in (code, code.strip()) if has_value(code) else (code,):
        if form in table:
            return table[form]
    return default
