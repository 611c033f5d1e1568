"""The XML of a channel export, read into values. What is not known stays as it is: nothing is left out here."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from messagefoundry.importing.errors import ExportError
from messagefoundry.message import BodyError, RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

LARGEST = 64 * 1024 * 1024
DEEPEST = 100
"""Levels of elements, steps in iterators in iterators included."""

_MIB = 1024 * 1024
_SUPPORTED = re.compile(r"[34](?:\.|$)")
_KINDS = {
    "MapperStep": "Mapper",
    "MessageBuilderStep": "Message Builder",
    "JavaScriptStep": "JavaScript",
    "JavaScriptRule": "JavaScript",
    "RuleBuilderRule": "Rule Builder",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A rule of a filter or a step of a transformer. `fields` are its simple values, `values` those of a rule.

    `source` is all of it as text, for what is kept. `replacements` counts its string replacements.
    """

    number: int
    name: str
    kind: str
    enabled: bool = True
    operator: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    replacements: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Transformer:
    """The steps of a transformer, and what messages are before and after."""

    steps: tuple[Step, ...] = ()
    inbound_type: str = "HL7V2"
    outbound_type: str = "HL7V2"
    outbound_template: str = ""
    parsing: dict[str, str] = field(default_factory=dict)
    """Serialization properties of the inbound data type, such as `useStrictParser`."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A source or a destination. `properties` is its element, `kind` its class without package and suffix."""

    number: int
    name: str
    transport: str
    kind: str
    properties: Element
    enabled: bool
    filter: tuple[Step, ...]
    transformer: Transformer
    response: Transformer


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel."""

    id: str
    name: str
    version: str
    description: str
    enabled: bool
    source: Connector
    destinations: tuple[Connector, ...]
    scripts: dict[str, str]
    settings: Element
    code_templates: tuple[str, ...] = ()

    @property
    def takes_messages(self) -> bool:
        """Whether other channels can send to it."""
        return self.source.kind == "VmReceiver"


def read_export(path: Path) -> list[Channel]:
    """The channels of a file: of one channel, of a group or list, or of a server backup. Raises ExportError."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ExportError(f"{path}: larger than {LARGEST // _MIB} MiB: export its channels one by one")
    try:
        root = RawMessage(raw).xml()
    except BodyError as error:
        raise ExportError(f"{path}: {str(error).replace('the body', 'it')}: export the channel again") from None
    if _depth(root) > DEEPEST:
        raise ExportError(f"{path}: nested deeper than an export is: export the channel again")
    found = [each for each in root.iter("channel") if each.find("sourceConnector") is not None]
    if not found:
        raise ExportError(f"{path}: there is no channel in it: name the XML file that the channel was exported to")
    server = tuple(_code_templates(root)) if root.tag != "channel" else ()
    return [_channel(each, path, server) for each in found]


def _depth(root: Element) -> int:
    """Levels of elements, counted without recursion: the file is not ours."""
    level, depth = [root], 0
    while level and depth <= DEEPEST:
        level, depth = [child for each in level for child in each], depth + 1
    return depth


def _channel(element: Element, path: Path, server: tuple[str, ...]) -> Channel:
    version, name = element.get("version", ""), text(element, "name")
    if not _SUPPORTED.match(version):
        said = f"of version {version}" if version else "without a version"
        raise ExportError(f"{path}: the channel {name!r} is an export {said}: export it from version 3 or 4")
    source = element.find("sourceConnector")
    assert source is not None
    destinations = [_connector(each) for each in element.iterfind("destinationConnectors/connector")]
    settings = element.find("properties")
    return Channel(
        text(element, "id"),
        name,
        version,
        text(element, "description"),
        _channel_enabled(element),
        _connector(source),
        tuple(destinations),
        {word: text(element, f"{word}Script") for word in ("preprocessing", "postprocessing", "deploy", "undeploy")}
        | {"undeploy": text(element, "undeployScript") or text(element, "shutdownScript")},
        ElementTree.Element("properties") if settings is None else settings,
        (*_code_templates(element), *server),
    )


def _channel_enabled(element: Element) -> bool:
    said = element.findtext("exportData/metadata/enabled") or element.findtext("enabled")
    return said is None or said.strip() != "false"


def _code_templates(element: Element) -> Iterator[str]:
    for each in element.iter("codeTemplate"):
        yield text(each, "name") or text(each, "id")


def _connector(element: Element) -> Connector:
    properties = element.find("properties")
    properties = ElementTree.Element("properties") if properties is None else properties
    kind = properties.get("class", "").rpartition(".")[2].removesuffix("Properties")
    return Connector(
        whole(text(element, "metaDataId"), 0),
        text(element, "name"),
        text(element, "transportName") or kind or "a connector without a kind",
        kind,
        properties,
        text(element, "enabled") != "false",
        tuple(_steps(element.find("filter"))),
        _transformer(element.find("transformer")),
        _transformer(element.find("responseTransformer")),
    )


def _transformer(element: Element | None) -> Transformer:
    if element is None:
        return Transformer()
    parsing = element.find("inboundProperties/serializationProperties")
    return Transformer(
        tuple(_steps(element)),
        text(element, "inboundDataType") or "HL7V2",
        text(element, "outboundDataType") or "HL7V2",
        _template(element.find("outboundTemplate")),
        {} if parsing is None else {each.tag: (each.text or "").strip() for each in parsing},
    )


def _template(element: Element | None) -> str:
    if element is None or not (element.text or "").strip():
        return ""
    content = element.text or ""
    if element.get("encoding") != "base64":
        return content
    try:
        return base64.b64decode(content).decode("utf-8")
    except (binascii.Error, ValueError):
        return content


def _steps(element: Element | None) -> list[Step]:
    """The steps of both forms: `<elements>` from 3.5 on, `<steps>` or `<rules>` before."""
    if element is None:
        return []
    newer, older = element.find("elements"), element.find("steps")
    older = element.find("rules") if older is None else older
    found = [_newer(each, number) for number, each in enumerate(() if newer is None else newer)]
    found += [_older(each, number) for number, each in enumerate(() if older is None else older)]
    return sorted(found, key=lambda step: step.number)


def _newer(element: Element, place: int) -> Step:
    kind = element.tag.rpartition(".")[2]
    return Step(
        whole(text(element, "sequenceNumber"), place),
        text(element, "name"),
        _KINDS.get(kind, kind),
        text(element, "enabled") != "false",
        text(element, "operator"),
        {each.tag: each.text or "" for each in element if not len(each)},
        tuple(each.text or "" for each in element.iterfind("values/*")),
        len(element.findall("replacements/*")),
        _source(element),
    )


def _older(element: Element, place: int) -> Step:
    """A step of before 3.5: each carries the script that it runs as, and is read by that alone."""
    script = text(element, "script", strip=False)
    return Step(
        whole(text(element, "sequenceNumber"), place),
        text(element, "name"),
        "JavaScript" if script.strip() else text(element, "type") or element.tag,
        text(element, "enabled") != "false",
        text(element, "operator"),
        {"script": script},
        (),
        0,
        script if script.strip() else _source(element),
    )


def _source(element: Element) -> str:
    """The script of a step when it has one, else its XML."""
    script = element.findtext("script")
    if script is not None and script.strip():
        return script
    return ElementTree.tostring(element, "unicode").strip()


def text(element: Element, path: str, *, strip: bool = True) -> str:
    """The text at a path, empty when there is none."""
    found = element.findtext(path) or ""
    return found.strip() if strip else found


def whole(said: str, default: int) -> int:
    """A whole number, or `default`."""
    return int(said) if re.fullmatch(r"-?[0-9]{1,12}", said) else default
