"""Source connectors as inbound Connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from messagefoundry.importing.errors import Untranslatable
from messagefoundry.importing.others import PASS_THROUGH
from messagefoundry.importing.pytext import Call, call, quoted
from messagefoundry.importing.streams import mllp_only, stream_encoding

if TYPE_CHECKING:
    from messagefoundry.importing.others import Others
    from messagefoundry.importing.properties import Properties
    from messagefoundry.importing.values import Values

CONTENT = {"HL7V2": "", "XML": "XML", "HL7V3": "XML", "JSON": "JSON", "RAW": "TEXT", "DELIMITED": "TEXT"}
"""Data types and our content types, "" for the usual one."""

INSTEAD = {
    "HttpReceiver": "Http(port=...)",
    "WebServiceReceiver": 'Http(port=..., soap="1.1")',
    "DatabaseReceiver": "DatabasePoll(server=..., poll_statement=...)",
    "DICOMReceiver": "DICOM(...)",
    "JavaScriptReceiver": "Timer(body=..., interval_seconds=...)",
    "VmReceiver": "PassThrough()",
}
"""What an author may declare in place of a connector that is not translated."""

_AUTO = "Auto-generate"


def connector(kind: str, properties: Properties, key: str, values: Values, others: Others) -> Call:
    """The connector of an inbound. Raises Untranslatable."""
    properties.secure_plugins()
    if kind == "TcpReceiver":
        return _listener(properties, key, values)
    if kind == "FileReceiver":
        return _reader(properties, key, values)
    if kind == "VmReceiver" and others.pass_on:
        return call(PASS_THROUGH)
    raise Untranslatable("this kind of source is not translated")


def _listener(properties: Properties, key: str, values: Values) -> Call:
    mllp_only(properties)
    if not properties.flag("serverMode", default=True):
        raise Untranslatable("it connects to the sender instead of listening")
    if properties.whole("respondOnNewConnection"):
        raise Untranslatable("it answers on a connection of its own")
    options: dict[str, str | Call] = {"port": values.port(f"{key}_port", properties.text("port"))}
    options["max_connections"] = str(properties.whole("maxConnections", 10) or 10)
    options |= stream_encoding(properties)
    properties.asked.add("host")
    properties.left_out("host", "which interface listens is said by bind_address= or by [inbound] bind_host")
    if properties.whole("receiveTimeout"):
        properties.left_out("receiveTimeout", "an idle connection stays open here")
    if not properties.flag("keepConnectionOpen", default=True):
        properties.differs("keepConnectionOpen", "the connection stays open after an answer; senders may close it")
    return call("MLLP", **options)


def _reader(properties: Properties, key: str, values: Values) -> Call:
    _only_plain_files(properties)
    directory = properties.text("host")
    options: dict[str, str | Call] = {"directory": values.text(f"{key}_dir", directory)}
    options["pattern"] = quoted(properties.text("fileFilter", "*"))
    options["poll_seconds"] = seconds(properties.whole("pollingFrequency", 5000))
    if properties.flag("checkFileAge"):
        options["min_age_seconds"] = seconds(properties.whole("fileAge"), least=0)
    properties.asked.add("fileAge")
    if properties.flag("directoryRecursion"):
        options["recursive"] = "True"
    if properties.text("sortBy", "date") == "date":
        options["sort"] = quoted("mtime")
    options |= _after_reading(properties, directory) | _longest(properties) | stream_encoding(properties)
    return call("File", **options)


def _only_plain_files(properties: Properties) -> None:
    scheme = properties.text("scheme", "FILE").upper()
    if scheme != "FILE":
        raise Untranslatable(f"it reads by {scheme}, not from a folder")
    pattern = properties.text("fileFilter", "*")
    if properties.flag("regex") or any(sign in pattern for sign in ",/\\") or not pattern:
        raise Untranslatable("the names of its files are a regular expression or several patterns")
    if properties.text("pollingType", "INTERVAL") != "INTERVAL":
        raise Untranslatable("it does not poll at intervals")
    if properties.flag("binary"):
        raise Untranslatable("it reads binary files")
    if properties.text("sortBy", "date") not in ("date", "name"):
        raise Untranslatable("it sorts by something else than name or date")


def _after_reading(properties: Properties, directory: str) -> dict[str, str | Call]:
    action, target = properties.text("afterProcessingAction", "NONE"), properties.text("moveToDirectory")
    renamed = properties.text("moveToFileName", "${originalFilename}")
    if action == "DELETE":
        return {"after_read": quoted("delete")}
    if action == "NONE":
        properties.differs("afterProcessingAction NONE", "a file is left where it is, but read once")
        return {"after_read": quoted("leave")}
    if action != "MOVE":
        raise Untranslatable(f"what happens to a file afterwards ({action!a}) is not known")
    if renamed not in ("", "${originalFilename}"):
        properties.differs("moveToFileName", "a file keeps its name")
    below = target.removeprefix(directory.rstrip("/") + "/")
    if below != target and below and ".." not in below.split("/") and "$" not in below:
        return {"processed_subdir": quoted(below)}
    properties.differs("moveToDirectory", "files that were read go to the folder `.processed` below the one read")
    return {}


def _longest(properties: Properties) -> dict[str, str | Call]:
    if properties.flag("ignoreFileSizeMaximum", default=True) or not properties.text("fileSizeMaximum"):
        return {}
    return {"max_file_bytes": str(max(properties.whole("fileSizeMaximum"), 1))}


def seconds(milliseconds: int, least: int = 1) -> str:
    """Milliseconds as a literal in seconds, at least `least` milliseconds."""
    return f"{max(milliseconds, least) / 1000:g}" if milliseconds < 100_000_000 else str(milliseconds // 1000)


def answers(properties: Properties, kind: str) -> dict[str, str | Call]:
    """The options of an inbound that say how it answers."""
    said = properties.text("responseVariable")
    if kind != "TcpReceiver":
        return {}
    if said == "None":
        return {"ack_mode": "AckMode.NONE"}
    if said.startswith(_AUTO):
        if "Before" not in said:
            why = "the answer is sent when the message is stored, before it is processed"
            properties.differs(f"response {said!r}", why)
        return {}
    properties.differs(f"response {said!r}", "the answer is AA when the message is stored, whatever comes of it")
    return {}


def content_type(data_type: str) -> dict[str, str | Call]:
    """The option `content_type`. Raises Untranslatable for a data type that has none."""
    if data_type not in CONTENT:
        raise Untranslatable(f"its data type {data_type!a} is not one of ours")
    return {"content_type": f"ContentType.{CONTENT[data_type]}"} if CONTENT[data_type] else {}
