"""What can go wrong while a channel is imported.

MessageFoundryError
├── ExportError         the file is not an export that can be read
└── OccupiedError       files are in the way
Untranslatable          a part of a channel has no unmistakable counterpart; the text says why
"""

from messagefoundry.contracts.errors import MessageFoundryError


class ExportError(MessageFoundryError):
    """The file is not a channel export that can be read."""


class OccupiedError(MessageFoundryError):
    """A file that would be written is there already."""


class Untranslatable(Exception):
    """This part of a channel has no unmistakable counterpart; the text is the reason, for the report."""
