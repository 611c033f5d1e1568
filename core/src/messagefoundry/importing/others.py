"""What an import has beside the channel in hand: the connectors installed here, and the other channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PASS_THROUGH = "PassThrough"


@dataclass(frozen=True, slots=True)
class Others:
    """`connectors` are installed; `inbounds` names, by channel id, those that other channels can send to."""

    connectors: Collection[str] = ()
    inbounds: Mapping[str, str] = field(default_factory=dict)

    @property
    def pass_on(self) -> bool:
        """Whether one channel can hand messages to another."""
        return PASS_THROUGH in self.connectors
