"""Channel exports of our own making, in the form of 3.4, 3.5 and later, and 4.x, as user guides and users show it."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

PACKAGE = "com.mirth.connect"
HL7 = """\
<serializationProperties><handleRepetitions>true</handleRepetitions><handleSubcomponents>true</handleSubcomponents>\
<useStrictParser>{strict}</useStrictParser><useStrictValidation>false</useStrictValidation>\
<segmentDelimiter>\\r</segmentDelimiter><convertLineBreaks>true</convertLineBreaks></serializationProperties>"""
MLLP = f"""\
<transmissionModeProperties class="{PACKAGE}.plugins.mllpmode.MLLPModeProperties">\
<pluginPointName>MLLP</pluginPointName>\
<startOfMessageBytes>0B</startOfMessageBytes><endOfMessageBytes>1C0D</endOfMessageBytes><useMLLPv2>false</useMLLPv2>\
<ackBytes>06</ackBytes><nackBytes>15</nackBytes><maxRetries>2</maxRetries></transmissionModeProperties>"""
AUTO = "Auto-generate (After source transformer)"


def element(name: str, text: object) -> str:
    return f"<{name}>{escape(str(text))}</{name}>"


def elements(values: dict[str, object]) -> str:
    return "".join(element(name, value) for name, value in values.items())


# -- steps -----------------------------------------------------------------------------------------------------------


def newer(tag: str, number: int, name: str, fields: dict[str, object], more: str = "", enabled: str = "true") -> str:
    """A step or rule as it is written from 3.5 on."""
    head = elements({"name": name, "sequenceNumber": number, "enabled": enabled})
    return f'<{PACKAGE}.plugins.{tag} version="4.5.2">{head}{elements(fields)}{more}</{PACKAGE}.plugins.{tag}>'


def javascript(number: int, name: str, script: str, enabled: str = "true") -> str:
    return newer("javascriptstep.JavaScriptStep", number, name, {"script": script}, enabled=enabled)


def mapper(number: int, variable: str, mapping: str, default: str = "", scope: str = "CHANNEL", more: str = "") -> str:
    fields: dict[str, object] = {"variable": variable, "mapping": mapping, "defaultValue": default, "scope": scope}
    return newer("mapper.MapperStep", number, variable, fields, f"<replacements>{more}</replacements>")


def builder(number: int, name: str, target: str, mapping: str, default: str = "") -> str:
    fields: dict[str, object] = {"messageSegment": target, "mapping": mapping, "defaultValue": default}
    return newer("messagebuilder.MessageBuilderStep", number, name, fields, "<replacements/>")


def rule(number: int, name: str, field: str, condition: str, *values: str, operator: str = "AND") -> str:
    fields: dict[str, object] = {"operator": operator, "field": field, "condition": condition}
    more = f"<values>{''.join(element('string', value) for value in values)}</values>"
    return newer("rulebuilder.RuleBuilderRule", number, name, fields, more)


def script_rule(number: int, name: str, script: str, operator: str = "AND") -> str:
    return newer("javascriptrule.JavaScriptRule", number, name, {"operator": operator, "script": script})


def older_step(number: int, name: str, kind: str, script: str) -> str:
    """A step as it was written before 3.5."""
    head = elements({"sequenceNumber": number, "name": name, "script": script, "type": kind})
    return f'<step>{head}<data class="map"/></step>'


def older_rule(number: int, name: str, script: str, operator: str = "AND") -> str:
    head = elements({"sequenceNumber": number, "name": name, "type": "Rule Builder", "script": script})
    return f'<rule>{head}<data class="map"/>{element("operator", operator)}</rule>'


# -- connectors ------------------------------------------------------------------------------------------------------


def transformer(
    steps: str = "", tag: str = "transformer", *, old: bool = False, out: str = "HL7V2", template: str = "", **more: str
) -> str:
    inbound = more.get("inbound", "HL7V2")
    body = f"<steps>{steps}</steps>" if old else f"<elements>{steps}</elements>"
    types = elements({"inboundDataType": inbound, "outboundDataType": out})
    parsing = f"<inboundProperties>{HL7.format(strict=more.get('strict', 'false'))}</inboundProperties>"
    shown = f'<outboundTemplate encoding="base64">{template}</outboundTemplate>'
    return f"<{tag}>{body}{shown}{types}{parsing}</{tag}>"


def filtering(rules: str = "", *, old: bool = False) -> str:
    return f"<filter>{f'<rules>{rules}</rules>' if old else f'<elements>{rules}</elements>'}</filter>"


def listener(port: object = 6661, response: str = AUTO, plugins: str = "", mode: str = MLLP, **more: object) -> str:
    values = {"serverMode": "true", "receiveTimeout": 0, "bufferSize": 65536, "maxConnections": 10}
    values |= {"keepConnectionOpen": "true", "dataTypeBinary": "false", "charsetEncoding": "UTF-8"}
    values |= {"respondOnNewConnection": 0}
    return (
        f'<properties class="{PACKAGE}.connectors.tcp.TcpReceiverProperties">'
        f"<pluginProperties>{plugins}</pluginProperties>"
        f"<listenerConnectorProperties>{elements({'host': '0.0.0.0', 'port': port})}</listenerConnectorProperties>"
        f"<sourceConnectorProperties>{elements({'responseVariable': response, 'processBatch': 'false'})}"
        f"</sourceConnectorProperties>{mode}{elements(values | more)}</properties>"
    )


def reader(host: str = "/srv/in", **more: object) -> str:
    values: dict[str, object] = {"scheme": "FILE", "host": host, "fileFilter": "*.hl7", "regex": "false"}
    values |= {"directoryRecursion": "false", "password": "hunter2", "afterProcessingAction": "MOVE"}
    values |= {"moveToDirectory": f"{host}/done", "moveToFileName": "${originalFilename}", "checkFileAge": "true"}
    values |= {"fileAge": 1000, "sortBy": "date", "binary": "false", "charsetEncoding": "ISO-8859-1"}
    polling = elements({"pollingType": "INTERVAL", "pollingFrequency": 5000})
    return (
        f'<properties class="{PACKAGE}.connectors.file.FileReceiverProperties">'
        f"<pollConnectorProperties>{polling}</pollConnectorProperties>{elements(values | more)}</properties>"
    )


def queue(**more: object) -> str:
    values: dict[str, object] = {"queueEnabled": "true", "sendFirst": "false", "retryIntervalMillis": 10_000}
    values |= {
        "retryCount": 0,
        "rotate": "false",
        "threadCount": 1,
        "validateResponse": "true",
        "queueBufferSize": 1000,
    }
    return f"<destinationConnectorProperties>{elements(values | more)}</destinationConnectorProperties>"


def sender(host: str = "10.1.2.3", port: object = 6670, delivery: str = "", **more: object) -> str:
    values: dict[str, object] = {"serverMode": "false", "remoteAddress": host, "remotePort": port, "sendTimeout": 5000}
    values |= {"keepConnectionOpen": "true", "responseTimeout": 5000, "ignoreResponse": "false"}
    values |= {"queueOnResponseTimeout": "true", "charsetEncoding": "UTF-8", "template": "${message.encodedData}"}
    return (
        f'<properties class="{PACKAGE}.connectors.tcp.TcpDispatcherProperties"><pluginProperties/>'
        f"{delivery or queue()}{MLLP}{elements(values | more)}</properties>"
    )


def writer(host: str = "/srv/out", pattern: str = "${message.messageId}.hl7", **more: object) -> str:
    values: dict[str, object] = {"scheme": "FILE", "host": host, "outputPattern": pattern, "outputAppend": "false"}
    values |= {"errorOnExists": "false", "temporary": "true", "binary": "false", "charsetEncoding": "UTF-8"}
    values |= {"template": "${message.encodedData}", "username": "anonymous", "password": "anonymous"}
    return (
        f'<properties class="{PACKAGE}.connectors.file.FileDispatcherProperties"><pluginProperties/>'
        f"{queue(queueEnabled='false', retryCount=2)}{elements(values | more)}</properties>"
    )


def other(kind: str, **values: object) -> str:
    return f'<properties class="{PACKAGE}.connectors.{kind}"><pluginProperties/>{elements(values)}</properties>'


def connector(
    tag: str,
    number: int,
    name: str,
    transport: str,
    properties: str,
    *,
    steps: str | None = None,
    rules: str = "",
    response: str = "",
    enabled: str = "true",
) -> str:
    head = elements({"metaDataId": number, "name": name})
    tail = elements({"transportName": transport, "enabled": enabled})
    return f"<{tag}>{head}{properties}{transformer() if steps is None else steps}{response}{rules}{tail}</{tag}>"


def destination(number: int, name: str, properties: str, transport: str = "TCP Sender", **more: str) -> str:
    return connector("connector", number, name, transport, properties, **more)


def channel(
    name: str = "ADT In",
    *destinations: str,
    version: str = "4.5.2",
    source: str = "",
    steps: str | None = None,
    rules: str = "",
    transport: str = "TCP Listener",
    more: str = "",
) -> str:
    found = connector(
        "sourceConnector", 0, "sourceConnector", transport, source or listener(), steps=steps, rules=rules
    )
    scripts = elements(
        {
            "preprocessingScript": "// Modify the message variable below to pre process data\nreturn message;",
            "postprocessingScript": "// This script executes once after a message has been processed\nreturn;",
            "deployScript": "// This script executes once when the channel is deployed\nreturn;",
            "undeployScript": "return;",
        }
    )
    scripts = more if "preprocessingScript" in more else scripts + more
    return (
        f"<channel version={quoteattr(version)}>{elements({'id': 'a-b-c', 'name': name, 'description': ''})}"
        f"{found}<destinationConnectors>{''.join(destinations)}</destinationConnectors>{scripts}"
        f"<properties>{element('initialState', 'STARTED')}</properties></channel>"
    )
