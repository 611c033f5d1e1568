"""The properties of a connector or a channel: what is read, and an account of what nobody asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.export import whole
from messagefoundry.importing.report import Outcome
from messagefoundry.importing.secrets import BLANK, blanked, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from messagefoundry.importing.report import Report

_VARIABLE = re.compile(r"\$\{[^}]*\}")
DEFAULT_ENCODING = "DEFAULT_ENCODING"

USUAL = {
    "bufferSize": ("65536",),
    "maxConnections": ("10",),
    "keepConnectionOpen": ("true", "false"),
    "queueBufferSize": ("1000",),
    "processingThreads": ("1",),
    "threadCount": ("1",),
    "firstResponse": ("false", "true"),
    "respondAfterProcessing": ("true",),
    "reconnectInterval": ("5000",),
    "overrideLocalBinding": ("false",),
    "localAddress": ("0.0.0.0", ""),
    "localPort": ("0", ""),
    "responseAddress": ("",),
    "responsePort": ("",),
    "checkRemoteHost": ("false", "true"),
    "reattachAttachments": ("true",),
    "resourceIds": ("",),
    "maxRetries": ("2",),
    "ackBytes": ("06",),
    "nackBytes": ("15",),
    "pluginPointName": ("MLLP",),
    "anonymous": ("true", "false"),
    "username": ("anonymous", ""),
    "password": ("anonymous", ""),
    "timeout": ("10000",),
    "secure": ("true", "false"),
    "passive": ("true", "false"),
    "validateConnection": ("true", "false"),
    "pollOnStart": ("false", "true"),
    "pollingHour": ("0",),
    "pollingMinute": ("0",),
    "weekly": ("true",),
    "dayOfMonth": ("1",),
    "allDay": ("true",),
    "boolean": ("false",),
    "startingHour": ("8",),
    "startingMinute": ("0",),
    "endingHour": ("17",),
    "endingMinute": ("0",),
    "ignoreDot": ("true",),
    "fileSizeMinimum": ("0", ""),
    "temporary": ("false", "true"),
    "maxIdleTime": ("0",),
    "threadAssignmentVariable": ("",),
    "regenerateTemplate": ("false", "true"),
    "includeFilterTransformer": ("false", "true"),
    "errorReadingAction": ("NONE",),
    "errorResponseAction": ("AFTER_PROCESSING", "NONE"),
    "errorMoveToDirectory": ("",),
    "errorMoveToFileName": ("",),
    "string": ("Default Resource", "[Default Resource]"),
}
"""Values that need no word in the report: a new channel has them, or they say nothing here."""


@dataclass(slots=True)
class Properties:
    """The simple values below one element, wherever they stand in it; each is asked for by name."""

    element: Element
    place: str
    report: Report
    asked: set[str] = field(default_factory=set)

    def text(self, name: str, default: str = "") -> str:
        """A value as text."""
        self.asked.add(name)
        found = next((each for each in self.element.iter(name) if each is not self.element), None)
        return default if found is None else (found.text or "").strip()

    def flag(self, name: str, default: bool = False) -> bool:
        """A value that is true or false."""
        return self.text(name, str(default)).lower() == "true"

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number. Raises Untranslatable when it is something else, as a variable is."""
        said = self.text(name)
        if said and whole(said, -1) == whole(said, -2):
            return whole(said, default)
        if said:
            raise Untranslatable(f"{name} is no number but a variable or a script")
        return default

    def encoding(self, name: str = "charsetEncoding") -> str:
        """The character set, empty for the server's own."""
        said = self.text(name, DEFAULT_ENCODING)
        return "" if said == DEFAULT_ENCODING else said

    def secure_plugins(self) -> None:
        """Raise Untranslatable when plugins of the connector carry settings, as TLS does."""
        self.asked.add("pluginProperties")
        for each in self.element.findall("pluginProperties/*"):
            name = each.tag.rpartition(".")[2]
            if name != "NoneHttpAuthProperties":
                raise Untranslatable(f"it has settings of a plugin ({name}), TLS perhaps, which are not read")

    def differs(self, part: str, why: str) -> None:
        """Put down a difference."""
        self.report.add(Outcome.DIFFERS, self.place, part, why)

    def left_out(self, part: str, why: str) -> None:
        """Put down what has no counterpart."""
        self.report.add(Outcome.LEFT_OUT, self.place, part, why)

    def account(self) -> None:
        """Put down every value that nobody asked for, unless it says nothing. Secrets are named without value."""
        for name, value in self.leftovers():
            if is_secret(name):
                self.left_out(name, "a secret, which is not copied")
            else:
                self.left_out(f"{name} = {blanked(value)[:80]}", "it has no counterpart")

    def listing(self) -> str:
        """All simple values as text for a comment, secrets aside."""
        lines = []
        for each in self.element.iter():
            value = (each.text or "").strip()
            if value and not len(each) and each is not self.element:
                lines.append(f"{each.tag} = {BLANK if is_secret(each.tag) else blanked(value)}")
        if any(BLANK in line for line in lines):
            self.left_out("secrets", "they are not copied")
        return "\n".join(lines) or "(no settings)"

    def leftovers(self) -> Iterator[tuple[str, str]]:
        """Names and values that nobody asked for and that are not the usual ones."""
        for each in self.element.iter():
            value = (each.text or "").strip()
            if len(each) or not value or each.tag in self.asked or each is self.element:
                continue
            if value not in USUAL.get(each.tag, ()):
                yield each.tag, value


def is_variable(said: str) -> bool:
    """Whether a value is, or has in it, a variable of the channel's server."""
    return bool(_VARIABLE.search(said))
