"""The options of `File(...)`."""

from __future__ import annotations

import codecs
import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry_file.template import Template, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

Count = Annotated[int, Field(gt=0)]


class FileSettings(ConnectorSettings):
    """Files of a folder, as a source of messages or as a place for them.

    A file is read when its name matches `pattern` and it looks the same in two looks in a row. What cannot become a
    message goes to `error_subdir`. Where a name to be written is taken by other content, the message id is added to it.
    """

    inbound_only: ClassVar[frozenset[str]] = frozenset(
        {
            "pattern",
            "poll_seconds",
            "min_age_seconds",
            "after_read",
            "sort",
            "recursive",
            "max_file_bytes",
            "processed_subdir",
            "error_subdir",
            "decompress",
            "max_decompressed_bytes",
        }
    )
    outbound_only: ClassVar[frozenset[str]] = frozenset({"filename", "overwrite", "compress"})

    directory: str
    """The folder; a relative one starts at the engine's working directory. It is made at start if missing."""
    filename: str = "{MSH-10}.hl7"
    """Template of names: text with {MSH-3} to {MSH-12}, {MSH-9.1} and the like, {message_id}, {work_id}."""
    pattern: str = "*.hl7"
    """Names to read, with *, ? and [..]; a hidden file needs a pattern that begins with a dot."""
    poll_seconds: Annotated[float, Field(gt=0)] = 1
    """Seconds between two looks into the folder."""
    encoding: str = "utf-8"
    """Character set of messages that name none; if given for an outbound, edited messages are written in it."""
    min_age_seconds: Annotated[float, Field(ge=0)] = 0
    """Seconds since its last change before a file is read."""
    after_read: Literal["move", "delete", "leave"] = "move"
    """What follows acceptance: to `processed_subdir`, deleted, or left there and remembered."""
    sort: Literal["name", "mtime"] = "name"
    """The order of reading: by name, or the oldest first."""
    recursive: bool = False
    """Read subfolders too, hidden ones not."""
    max_file_bytes: Count = 16 * 1024 * 1024
    """Longest file; a longer one goes to `error_subdir`."""
    validate_directory: bool = False
    """A folder that is missing or not writable is a problem of the configuration, and is never made."""
    overwrite: bool = False
    """Replace a file of the same name and other content, instead of adding the message id to the name."""
    processed_subdir: str = ".processed"
    """Folder below `directory` for files that were accepted, with `after_read='move'`."""
    error_subdir: str = ".error"
    """Folder below `directory` for files that cannot become a message."""
    compress: Literal["gzip"] | None = None
    """Pack with gzip; the name stays as `filename` has it."""
    decompress: Literal["gzip"] | None = None
    """Unpack with gzip."""
    max_decompressed_bytes: Count = 64 * 1024 * 1024
    """Longest content of a packed file; what is longer goes to `error_subdir`."""

    def endpoint(self, around: Surroundings) -> str:
        """The folder with the pattern that is read, or the template that is written."""
        return os.path.join(self.directory, self.pattern if around.direction == "inbound" else self.filename)

    def problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        """Options of the other direction, templates, subfolders, character sets, and the directory itself."""
        yield from self._misplaced(around)
        yield from self._encoding_problems(around)
        yield from self._directory_problems()
        if around.direction == "inbound":
            yield from self._inbound_problems()
        else:
            yield from self._outbound_problems()

    def _misplaced(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        inbound = around.direction == "inbound"
        foreign, other = (self.outbound_only, "outbound") if inbound else (self.inbound_only, "inbound")
        for name in type(self).model_fields:
            if name in foreign and name in self.model_fields_set:
                yield f"{name} is an option of a File {other}, not of an {around.direction}", f"remove {name}"

    def _encoding_problems(self, around: Surroundings) -> Iterator[tuple[str, str]]:
        try:
            wide = "A".encode(codecs.lookup(self.encoding).name) != b"A"
        except (LookupError, ValueError, TypeError):
            yield f"encoding {self.encoding[:40]!r} is unknown", "name a character set such as 'utf-8' or 'iso-8859-1'"
        else:
            if wide and around.content_type == "hl7v2":
                yield f"encoding {self.encoding!r} cannot carry HL7 v2", "name one in which ASCII stays ASCII"

    def _directory_problems(self) -> Iterator[tuple[str, str]]:
        if not self.directory or "\0" in self.directory:
            yield "directory is empty or has a NUL in it", "name the folder"
        elif os.path.lexists(self.directory) and not os.path.isdir(self.directory):
            yield f"directory {self.directory} is not a folder", "name a folder"
        elif self.validate_directory and not os.path.isdir(self.directory):
            yield f"directory {self.directory} does not exist", "make it, or leave out validate_directory"
        elif self.validate_directory and not os.access(self.directory, os.R_OK | os.W_OK | os.X_OK):
            yield f"directory {self.directory} is not writable", "give the engine's account read and write access"

    def _inbound_problems(self) -> Iterator[tuple[str, str]]:
        if not self.pattern or any(separator in self.pattern for separator in "/\\\0"):
            yield "pattern is matched with file names and must have no separator", "use recursive=True for subfolders"
        for name, value in (("processed_subdir", self.processed_subdir), ("error_subdir", self.error_subdir)):
            parts = PurePath(value).parts
            if not parts or ".." in parts or PurePath(value).is_absolute() or "\0" in value:
                yield f"{name} must be a folder below directory", f"name one such as {name}='.done'"

    def _outbound_problems(self) -> Iterator[tuple[str, str]]:
        try:
            Template.parse(self.filename)
        except TemplateError as error:
            yield f"filename: {error}", "tokens are {MSH-3} to {MSH-12}, {MSH-9.1}, {message_id} and {work_id}"
