"""Destination connectors as outbound Connections."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.pytext import Call, call, quoted
from messagefoundry.importing.sources import seconds
from messagefoundry.importing.streams import mllp_only, stream_encoding

if TYPE_CHECKING:
    from messagefoundry.importing.others import Others
    from messagefoundry.importing.properties import Properties
    from messagefoundry.importing.values import Values

INSTEAD = {
    "HttpDispatcher": "Rest(url=..., method=...)",
    "WebServiceDispatcher": "Soap(url=..., soap_action=...)",
    "DatabaseDispatcher": "Database(server=..., statement=...)",
    "SmtpDispatcher": "Email(host=..., sender=..., recipients=...)",
    "DICOMDispatcher": "DICOM(...)",
    "VmDispatcher": "PassThrough(), an inbound of the other module that Handlers send to",
}
"""What an author may declare in place of a connector that is not translated."""

ENCODED = "${message.encodedData}"
_TOKENS = {"${message.messageId}": "{message_id}"}
_PLAIN_NAME = re.compile(r"[^/\\{}<>:\"|?*$\x00-\x1f\x7f]+\Z")
_RETRIES_DEFAULT_MAXIMUM = 300


@dataclass(frozen=True, slots=True)
class Destination:
    """An outbound: its connector and the options beside it.

    Without a connector messages go to `inbound`, the one of another channel, or to nobody.
    """

    connector: Call | None = None
    options: dict[str, str | Call] = field(default_factory=dict)
    inbound: str = ""


def destination(kind: str, properties: Properties, key: str, values: Values, others: Others) -> Destination:
    """What a destination becomes. Raises Untranslatable."""
    properties.secure_plugins()
    if kind == "VmDispatcher":
        return _writes_to_channel(properties, others)
    if kind == "TcpDispatcher":
        connector = _sender(properties, key, values)
    elif kind == "FileDispatcher":
        connector = _writer(properties, key, values)
    else:
        raise Untranslatable("this kind of destination is not translated")
    return Destination(connector, _delivery(properties))


def _writes_to_channel(properties: Properties, others: Others) -> Destination:
    """A Channel Writer: to another channel of the import, or to none, where messages end having been processed."""
    properties.asked |= {"queueEnabled", "sendFirst", "retryIntervalMillis", "retryCount", "rotate", "validateResponse"}
    target = properties.text("channelId", "none")
    if target in ("none", ""):
        properties.asked.add("channelTemplate")
        properties.differs("Channel Writer", "it sends to no channel; such messages end FILTERED here")
        return Destination()
    _only_the_message(properties, "channelTemplate")
    if not others.pass_on or target not in others.inbounds:
        raise Untranslatable("it sends to another channel" + ("" if others.pass_on else ", which needs PassThrough()"))
    return Destination(inbound=others.inbounds[target])


def _only_the_message(properties: Properties, name: str) -> None:
    said = properties.text(name, ENCODED)
    if said != ENCODED:
        raise Untranslatable("what it sends is a template, not the message")


def _sender(properties: Properties, key: str, values: Values) -> Call:
    mllp_only(properties)
    _only_the_message(properties, "template")
    if properties.flag("serverMode"):
        raise Untranslatable("it listens and sends to whoever connects")
    options: dict[str, str | Call] = {
        "host": values.text(f"{key}_host", properties.text("remoteAddress")),
        "port": values.port(f"{key}_port", properties.text("remotePort")),
    }
    options |= _patience(properties) | _keeping(properties) | stream_encoding(properties)
    return call("MLLP", **options)


def _patience(properties: Properties) -> dict[str, str | Call]:
    """What is awaited after a message, and what counts."""
    if properties.flag("ignoreResponse"):
        properties.asked |= {"responseTimeout", "queueOnResponseTimeout", "validateResponse"}
        return {"no_ack": "True"}
    if not properties.flag("queueOnResponseTimeout", default=True):
        properties.differs("queueOnResponseTimeout", "a message whose reply does not come is tried again")
    if properties.flag("validateResponse"):
        properties.differs("validateResponse", "AE and CE are tried again, AR and CR end as dead letters: see nak=")
    else:
        properties.differs("validateResponse off", "any reply counted; here only a positive one of this message does")
    timeout = properties.whole("responseTimeout", 5000)
    if not timeout:
        properties.differs("responseTimeout 0", "a reply is not awaited for ever, but for 30 seconds")
        return {}
    return {"timeout_seconds": seconds(timeout)}


def _keeping(properties: Properties) -> dict[str, str | Call]:
    """How long a connection is kept."""
    idle = properties.whole("sendTimeout", 5000)
    if not properties.flag("keepConnectionOpen"):
        return {"persistent": "False"}
    return {"idle_timeout_seconds": seconds(idle)} if idle else {}


def _writer(properties: Properties, key: str, values: Values) -> Call:
    scheme = properties.text("scheme", "FILE").upper()
    if scheme != "FILE":
        raise Untranslatable(f"it writes by {scheme}, not to a folder: Sftp(...) or Ftp(...) may do")
    _only_the_message(properties, "template")
    if properties.flag("outputAppend", default=True):
        raise Untranslatable("it appends to a file, and File writes one file for each message")
    if properties.flag("binary"):
        raise Untranslatable("it writes binary files")
    options: dict[str, str | Call] = {"directory": values.text(f"{key}_dir", properties.text("host"))}
    options["filename"] = quoted(_filename(properties.text("outputPattern")))
    if properties.flag("errorOnExists"):
        properties.differs("errorOnExists", "where the name is taken by other content, the message id is added to it")
    else:
        options["overwrite"] = "True"
    return call("File", **options, **stream_encoding(properties))


def _filename(pattern: str) -> str:
    rest = pattern
    for token in _TOKENS:
        rest = rest.replace(token, "")
    if not pattern or pattern.startswith(".") or len(pattern) > 100 or (rest and not _PLAIN_NAME.match(rest)):
        raise Untranslatable("the names of its files are made of variables: see filename= of File")
    for token, ours in _TOKENS.items():
        pattern = pattern.replace(token, ours)
    return pattern


def _delivery(properties: Properties) -> dict[str, str | Call]:
    """Retry and ordering. Without a queue a message has its retries and then is in error, here a dead letter."""
    interval = properties.whole("retryIntervalMillis", 10_000)
    retries = properties.whole("retryCount")
    properties.asked |= {"sendFirst", "validateResponse", "queueOnResponseTimeout"}
    options: dict[str, str | Call] = {}
    words: dict[str, str | Call] = {}
    if not properties.flag("queueEnabled"):
        words["max_attempts"] = str(max(retries, 0) + 1)
    words |= {"backoff_seconds": seconds(interval), "backoff_multiplier": "1"}
    if interval > _RETRIES_DEFAULT_MAXIMUM * 1000:
        words["max_backoff_seconds"] = seconds(interval)
    options["retry"] = call("RetryPolicy", **words)
    if properties.flag("rotate"):
        options["ordering"] = "OrderingMode.UNORDERED"
    return options
