"""File Connections: an inbound reads the files of a folder, an outbound writes one file for each message.

File(directory="/feeds/in")                                     the inbound's side
File(directory="/feeds/out", filename="{MSH-4}-{MSH-10}.hl7")   the outbound's side

They are imported when first asked for: finding out what is installed needs no transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messagefoundry_file.authoring import File

__all__ = ["File"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from messagefoundry_file import authoring

    return getattr(authoring, name)
