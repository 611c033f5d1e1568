"""MLLP and raw TCP for MessageFoundry.

MLLP(port=2575)                     an inbound: listens on that port
MLLP(host="lab", port=2575)         an outbound: sends to that partner
Tcp(port=6000, framing="stx_etx")   the same for messages of any content

They are imported when first asked for: finding out what is installed needs no transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry_mllp.authoring import MLLP, Tcp

__all__ = ["MLLP", "Tcp"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from messagefoundry_mllp import authoring

    return getattr(authoring, name)
