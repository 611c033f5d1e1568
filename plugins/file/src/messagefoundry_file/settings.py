"""The options of `File(...)`."""

from __future__ import annotations

import codecs
import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from messagefoundry.contracts.settings import ConnectorSettings, Surroundings
from messagefoundry_file.template import Template, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

Count = Annotated[int, Field(gt=0)]

_INBOUND_ONLY = (
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
)
_OUTBOUND_ONLY = ("filename", "overwrite", "compress")


class FileSettings(ConnectorSettings):
    """Files of a folder, as a source of messages or as a place for them.

    Both sides: `directory`; `encoding`, the character set of messages that name none; `validate_directory`, which
    refuses at load a directory that is missing or not writable (else it is made at start).

    Inbound: files whose name matches `pattern` (`*`, `?`, `[..]`; in subfolders too with `recursive`) are read every
    `poll_seconds`, in the order of `sort`, once size and time have stayed the same between two looks and the file is
    at least `min_age_seconds` old. `after_read` moves a file to `processed_subdir`, deletes it, or leaves it and
    remembers it. What cannot become a message goes to `error_subdir`: refused, over `max_file_bytes`, or over
    `max_decompressed_bytes` with `decompress='gzip'`.

    Outbound: `filename` is a template whose tokens are {MSH-3} to {MSH-12} with components such as {MSH-9.1},
    {message_id} and {work_id}. Where the name is taken by other content, `overwrite` replaces it, else the message id
    is added to the name. `compress='gzip'` compresses; the name stays as the template has it.
    """

    directory: str
    filename: str = "{MSH-10}.hl7"
    pattern: str = "*.hl7"
    poll_seconds: Annotated[float, Field(gt=0)] = 1
    encoding: str = "utf-8"
    min_age_seconds: Annotated[float, Field(ge=0)] = 0
    after_read: Literal["move", "delete", "leave"] = "move"
    sort: Literal["name", "mtime"] = "name"
    recursive: bool = False
    max_file_bytes: Count = 16 * 1024 * 1024
    validate_directory: bool = False
    overwrite: bool = False
    processed_subdir: str = ".processed"
    error_subdir: str = ".error"
    compress: Literal["gzip"] | None = None
    decompress: Literal["gzip"] | None = None
    max_decompressed_bytes: Count = 64 * 1024 * 1024

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
        foreign, other = (_OUTBOUND_ONLY, "outbound") if around.direction == "inbound" else (_INBOUND_ONLY, "inbound")
        for name in foreign:
            if name in self.model_fields_set:
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
