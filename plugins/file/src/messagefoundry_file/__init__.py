"""File Connections: an inbound reads the files of a folder, an outbound writes one file for each message.

File(directory="/feeds/in")                                     the inbound's side
File(directory="/feeds/out", filename="{MSH-4}-{MSH-10}.hl7")   the outbound's side
"""

from messagefoundry.contracts import transport
from messagefoundry_file.settings import FileSettings

File = transport("File", FileSettings)

__all__ = ["File", "FileSettings"]
