"""What configurations import."""

from __future__ import annotations

from messagefoundry.contracts.transport import transport
from messagefoundry_file.settings import FileSettings

File = transport("File", FileSettings)
