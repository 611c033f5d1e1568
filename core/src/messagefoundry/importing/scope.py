"""What the scripts of a connector can see, and what has been put where so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.message import Message, MessageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messagefoundry.importing.export import Transformer

SAFE_MAPS = {"channelMap": "channel_map", "$c": "channel_map", "connectorMap": "connector_map", "$co": "connector_map"}
OTHER_MAPS = {
    "globalMap": "globalMap",
    "$g": "globalMap",
    "globalChannelMap": "globalChannelMap",
    "$gc": "globalChannelMap",
    "configurationMap": "configurationMap",
    "$cfg": "configurationMap",
    "responseMap": "responseMap",
    "$r": "responseMap",
    "sourceMap": "sourceMap",
    "$s": "sourceMap",
}
WHY_NOT = {
    "globalMap": "globalMap keeps values from one message to the next, and a Handler is pure",
    "globalChannelMap": "globalChannelMap keeps values from one message to the next, and a Handler is pure",
    "configurationMap": "configurationMap is not in the export",
    "responseMap": "responseMap holds partners' replies, which come after the Handler has run",
    "sourceMap": "sourceMap holds what the source connector said of the message",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A destination as scripts name it, by number or name, and as the module does."""

    number: int
    name: str
    slug: str


@dataclass(slots=True)
class Scope:
    """What is known while one connector's scripts are translated.

    `unusable` is why places of messages cannot be translated, empty when they can. `tmp` tells whether there is an
    outbound template. `keys` are the keys of each map that have surely been put; `destinations` what the source may
    remove.
    """

    unusable: str = ""
    tmp: bool = False
    filtering: bool = False
    destinations: tuple[Known, ...] | None = None
    keys: dict[str, set[str]] = field(default_factory=lambda: {"channel_map": set(), "connector_map": set()})
    names: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """Which of channel_map, connector_map, removed and put the Python text needs."""

    @property
    def result(self) -> str:
        """Which of `msg` and `tmp` goes on."""
        return "tmp" if self.tmp and not self.unusable else "msg"

    def branch(self) -> Scope:
        """The scope of statements that may not run: what they put is not surely there afterwards."""
        keys = {name: set(found) for name, found in self.keys.items()}
        return Scope(
            self.unusable,
            self.tmp,
            self.filtering,
            self.destinations,
            keys,
            dict(self.names),
            self.used,
        )

    def script(self) -> Scope:
        """The scope of one script: its variables are its own, everything else is shared."""
        return Scope(
            self.unusable,
            self.tmp,
            self.filtering,
            self.destinations,
            self.keys,
            {},
            self.used,
        )

    def following(self) -> Scope:
        """The scope of a destination: it sees what the source has put."""
        keys = {"channel_map": set(self.keys["channel_map"]), "connector_map": set[str]()}
        return Scope(keys=keys)

    def map_named(self, name: str) -> str:
        """Our name of a map. Raises Untranslatable for one that no Handler can have."""
        if name in OTHER_MAPS:
            raise Untranslatable(WHY_NOT[OTHER_MAPS[name]])
        return SAFE_MAPS[name]

    def known(self, key: str, maps: Sequence[str]) -> str:
        """The first of the maps in which a key has surely been put. Raises Untranslatable."""
        for name in maps:
            if key in self.keys[name]:
                self.used.add(name)
                return name
        raise Untranslatable(f"nothing translated puts {key!a} into a map before")

    def has(self, message: str) -> None:
        """Raise Untranslatable unless `msg` or `tmp` can be used."""
        if self.unusable:
            raise Untranslatable(self.unusable)
        if message == "tmp" and (not self.tmp or self.filtering):
            raise Untranslatable("it uses tmp, and there is no outbound template here")


def why_unusable(transformer: Transformer) -> str:
    """Why places of messages cannot be translated, empty when they can."""
    if transformer.inbound_type != "HL7V2":
        return f"messages are {transformer.inbound_type} there, and only places of HL7 v2 are translated"
    for name, usual in (("useStrictParser", "false"), ("handleRepetitions", "true"), ("handleSubcomponents", "true")):
        if transformer.parsing.get(name, usual) != usual:
            return f"with {name} = {transformer.parsing[name]} places mean something else"
    if transformer.outbound_template and transformer.outbound_type == "HL7V2":
        return _unreadable(transformer.outbound_template)
    return ""


def _unreadable(template: str) -> str:
    try:
        Message.parse(template)
    except (MessageError, ValueError):
        return "the outbound template is no HL7 v2 message"
    return ""
