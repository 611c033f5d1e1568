"""Messages kept as files as they came, for their owner alone."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from messagefoundry.cli.failures import NotFine, WrongCall

if TYPE_CHECKING:
    from pathlib import Path

    from messagefoundry.harness.scripted_partner import Received

_NUMBERED = re.compile(r"(\d{4,9})-.*\.hl7")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_NAME = 60


class SavedFrames:
    """A folder of frames, "0001-<MSH-10>.hl7" and so on, of batches "0001-<BHS-11>.hl7".

    What is there already is left alone and counted on from.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder, but none above it, if it is not there. Raises WrongCall when it cannot be."""
        if not folder.parent.is_dir():
            raise WrongCall(f"{folder}: messages cannot be kept there: there is no folder {folder.parent}")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = [_NUMBERED.fullmatch(entry.name) for entry in folder.iterdir()]
        except OSError as error:
            raise WrongCall(f"{folder}: messages cannot be kept there: {error.strerror}") from error
        self._folder = folder
        self._last = max((int(match[1]) for match in found if match), default=0)

    def keep(self, received: Received) -> None:
        """Write one frame, before it is answered. Raises NotFine when that fails."""
        self._last += 1
        name = _UNSAFE.sub("_", received.control_id)[:_LONGEST_NAME] or "no-id"
        path = self._folder / f"{self._last:04}-{name}.hl7"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(received.content)
        except OSError as error:
            raise NotFine(f"{path}: cannot be written: {error.strerror}; the message was not answered") from error
