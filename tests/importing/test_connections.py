"""Connectors become Connections with their options; what a channel does otherwise stands in the report."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from messagefoundry.importing.project import ENVIRONMENT, imported
from messagefoundry.wiring.values import AckMode, OrderingMode, RetryPolicy
from tests.importing.exports import MLLP, channel, destination, element, listener, other, queue, reader, sender, writer
from tests.importing.world import World, world

if TYPE_CHECKING:
    from pathlib import Path


def settings_of(found: World, outbound: str) -> Any:
    return found.graph().outbounds[outbound].settings


def with_lab(**more: Any) -> str:
    return channel("ADT In", destination(1, "Lab", sender(**more)))


def test_a_listener_and_a_sender_keep_ports_hosts_and_limits(tmp_path: Path) -> None:
    source = listener(6661, maxConnections=25, charsetEncoding="ISO-8859-1")
    lab = destination(1, "Lab", sender("10.1.2.3", 6670, responseTimeout=2500, sendTimeout=60000))
    found = world(tmp_path, channel("ADT In", lab, source=source))
    assert found.missing == []
    (inbound,) = found.graph().inbounds.values()
    assert inbound.name == "IB_ADT_IN"
    assert (inbound.settings.port, inbound.settings.max_connections) == (6661, 25)  # type: ignore[attr-defined]
    assert inbound.settings.text_encoding() == "iso-8859-1"
    sending = settings_of(found, "OB_ADT_IN_LAB")
    assert (sending.host, sending.port, sending.timeout_seconds) == ("10.1.2.3", 6670, 2.5)
    assert (sending.persistent, sending.idle_timeout_seconds) == (True, 60)
    values = tomllib.loads((found.home / ENVIRONMENT).read_text())
    assert values == {"adt_in_port": 6661, "adt_in_lab_host": "10.1.2.3", "adt_in_lab_port": 6670}
    assert "10.1.2.3" not in found.module


@pytest.mark.parametrize(
    ("delivery", "retry"),
    [
        (queue(), RetryPolicy(None, 10, 1)),
        (queue(retryIntervalMillis=500), RetryPolicy(None, 0.5, 1)),
        (queue(retryIntervalMillis=600_000), RetryPolicy(None, 600, 1, 600)),
        (queue(queueEnabled="false"), RetryPolicy(1, 10, 1)),
        (queue(queueEnabled="false", retryCount=4), RetryPolicy(5, 10, 1)),
    ],
)
def test_a_queue_becomes_a_retry_policy(tmp_path: Path, delivery: str, retry: RetryPolicy) -> None:
    found = world(tmp_path, with_lab(delivery=delivery))
    assert found.graph().outbounds["OB_ADT_IN_LAB"].retry == retry


def test_a_queue_that_rotates_is_unordered(tmp_path: Path) -> None:
    found = world(tmp_path, with_lab(delivery=queue(rotate="true")))
    assert found.graph().outbounds["OB_ADT_IN_LAB"].ordering is OrderingMode.UNORDERED


def test_a_sender_without_replies_and_without_a_kept_connection(tmp_path: Path) -> None:
    sending = settings_of(world(tmp_path, with_lab(ignoreResponse="true", keepConnectionOpen="false")), "OB_ADT_IN_LAB")
    assert (sending.no_ack, sending.persistent) == (True, False)


@pytest.mark.parametrize(
    ("response", "mode", "different"),
    [
        ("None", AckMode.NONE, ""),
        ("Auto-generate (Before processing)", AckMode.ORIGINAL, ""),
        ("Auto-generate (After source transformer)", AckMode.ORIGINAL, "before it is processed"),
        ("Auto-generate (Destinations completed)", AckMode.ORIGINAL, "before it is processed"),
        ("d1", AckMode.ORIGINAL, "whatever comes of it"),
    ],
)
def test_how_senders_are_answered(tmp_path: Path, response: str, mode: AckMode, different: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), source=listener(response=response)))
    (inbound,) = found.graph().inbounds.values()
    assert inbound.ack_mode is mode
    said = [each for each in found.different if "response" in each]
    assert len(said) == bool(different)
    assert all(different in each for each in said)


def test_a_file_reader_and_a_file_writer(tmp_path: Path) -> None:
    archive = destination(1, "Archive", writer("/srv/out", "adt-${message.messageId}.hl7"), "File Writer")
    source = reader("/srv/in", fileFilter="ADT*.hl7", directoryRecursion="true")
    found = world(tmp_path, channel("Files", archive, source=source, transport="File Reader"))
    assert found.missing == []
    (inbound,) = found.graph().inbounds.values()
    reading: Any = inbound.settings
    assert (reading.directory, reading.pattern, reading.poll_seconds) == ("/srv/in", "ADT*.hl7", 5)
    assert (reading.min_age_seconds, reading.recursive, reading.sort) == (1, True, "mtime")
    assert (reading.after_read, reading.processed_subdir, reading.encoding) == ("move", "done", "iso-8859-1")
    writing = settings_of(found, "OB_FILES_ARCHIVE")
    assert (writing.directory, writing.filename, writing.overwrite) == ("/srv/out", "adt-{message_id}.hl7", True)
    assert found.graph().outbounds["OB_FILES_ARCHIVE"].retry == RetryPolicy(3, 10, 1)
    assert not any("hunter2" in text for text in found.found.files.values())
    assert any("password" in each for each in found.said_left_out)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (listener(mode=MLLP.replace("0B", "02")), "its frames are not those of MLLP"),
        (listener(mode=MLLP.replace("<useMLLPv2>false", "<useMLLPv2>true")), "it uses MLLP release 2"),
        (listener(serverMode="false"), "it connects to the sender"),
        (listener(plugins="<com.acme.SslProperties><on>true</on></com.acme.SslProperties>"), "TLS perhaps"),
        (listener(charsetEncoding="UTF-16"), "its character set 'UTF-16' is not supported"),
        (listener(port="http"), "its port is 'http'"),
        (listener(maxConnections="${most}"), "maxConnections is no number"),
        (reader(scheme="SFTP"), "it reads by SFTP"),
        (reader(regex="true"), "a regular expression or several patterns"),
        (reader(fileFilter="*.hl7,*.txt"), "a regular expression or several patterns"),
        (other("http.HttpReceiverProperties", port=80), "this kind of source"),
        (other("jms.JmsReceiverProperties", password="geheim"), "this kind of source"),
    ],
)
def test_a_source_that_is_not_translated_is_kept_as_a_comment(tmp_path: Path, source: str, why: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), source=source, transport="A Source"))
    assert [each for each in found.missing if why in each]
    assert '# inbound("IB_ADT_IN", ' in found.module
    warnings = [str(each) for each in found.graph().warnings]
    assert any("declares no inbound Connection" in each for each in warnings)
    assert any("no inbound Connection has this Router" in each for each in warnings)
    assert "geheim" not in found.module


def test_batches_of_hl7_are_taken_apart_anyway(tmp_path: Path) -> None:
    source = listener().replace("<processBatch>false", "<processBatch>true")
    found = world(tmp_path, channel("ADT In", destination(1, "Lab", sender()), source=source))
    assert not found.missing
    assert found.graph().inbounds["IB_ADT_IN"].settings.listens_on() == 6661


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        (sender(serverMode="true"), "it listens and sends to whoever connects"),
        (sender(template="${built}"), "what it sends is a template"),
        (writer(outputAppend="true"), "it appends to a file"),
        (writer(pattern="${UUID}.hl7"), "the names of its files are made of variables"),
        (writer(pattern="../x.hl7"), "the names of its files are made of variables"),
        (writer(scheme="FTP"), "it writes by FTP"),
        (other("vm.VmDispatcherProperties", channelId="c-d-e"), "it sends to another channel"),
        (other("jdbc.DatabaseDispatcherProperties", url="jdbc:x", password="geheim"), "this kind of destination"),
    ],
)
def test_a_destination_that_is_not_translated_fails_by_name(tmp_path: Path, properties: str, why: str) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Partner", properties, "A Writer")))
    assert [each for each in found.missing if why in each]
    assert '# outbound("OB_ADT_IN_PARTNER", ' in found.module
    (failed,) = found.run().failed
    assert failed.error.startswith("NotTranslated at IB_ADT_IN.py:")
    assert "ADT In, destination Partner, connector (A Writer)" in failed.error.splitlines()[0]
    assert not any("geheim" in text for text in found.found.files.values())


def test_a_channel_writer_to_no_channel_ends_the_message(tmp_path: Path) -> None:
    nowhere = other("vm.VmDispatcherProperties", channelId="none", channelTemplate="${message.encodedData}")
    found = world(tmp_path, channel("ADT In", destination(1, "Sink", nowhere, "Channel Writer")))
    assert found.missing == []
    assert found.run().routing == "FILTERED"


def test_a_channel_writer_hands_on_to_a_channel_of_the_import(tmp_path: Path) -> None:
    onward = other("vm.VmDispatcherProperties", channelId="b", channelTemplate="${message.encodedData}")
    first = channel("First", destination(1, "Next", onward, "Channel Writer"))
    second = channel("Second", destination(1, "Lab", sender()), source=other("vm.VmReceiverProperties"))
    path = tmp_path / "both.xml"
    path.write_text(f"<list>{first}{second.replace('a-b-c', 'b')}</list>")
    found = imported([path], {"MLLP", "PassThrough"})
    assert found.complete
    assert 'return Send("IB_SECOND", msg)' in found.files["config/IB_FIRST.py"]
    assert 'inbound("IB_SECOND", PassThrough(), router="second")' in found.files["config/IB_SECOND.py"]
    assert not imported([path], {"MLLP"}).complete


def test_a_value_that_the_export_does_not_have_is_asked_for(tmp_path: Path) -> None:
    found = world(tmp_path, with_lab(host="${lab.host}"))
    (missing,) = found.missing
    assert missing == "channel: value adt_in_lab_host: the channel has ${lab.host}: set it in environments/dev.toml"
    lines = (found.home / ENVIRONMENT).read_text().splitlines()
    assert '# adt_in_lab_host = "" # the channel has ${lab.host}' in lines


def test_a_destination_that_is_disabled_is_left_out(tmp_path: Path) -> None:
    lab, old = destination(1, "Lab", sender()), destination(2, "Old", sender(), enabled="false")
    found = world(tmp_path, channel("ADT In", lab, old))
    assert list(found.graph().outbounds) == ["OB_ADT_IN_LAB"]
    assert "destination Old: all of it: disabled in the channel" in found.said_left_out


def test_a_channel_without_a_destination_fails_instead_of_dropping_messages(tmp_path: Path) -> None:
    found = world(tmp_path, channel("ADT In", destination(1, "Old", sender(), enabled="false")))
    (failed,) = found.run().failed
    assert "ADT In, source, destinations" in failed.error.splitlines()[0]


@pytest.mark.parametrize(
    "more",
    [
        "<exportData><metadata><enabled>false</enabled></metadata></exportData>",
        f"<properties>{element('initialState', 'STOPPED')}</properties>",
    ],
)
def test_a_channel_that_does_not_start_by_itself(tmp_path: Path, more: str) -> None:
    xml = channel("ADT In", destination(1, "Lab", sender()))
    head, _, _ = xml.rpartition("<properties>")
    found = world(tmp_path, f"{head}{more}</channel>")
    (inbound,) = found.graph().inbounds.values()
    assert inbound.auto_start is False


@pytest.mark.parametrize(("data_type", "content"), [("XML", "xml"), ("RAW", "text"), ("JSON", "json")])
def test_other_content_passes(tmp_path: Path, data_type: str, content: str) -> None:
    xml = channel("In", destination(1, "Lab", sender())).replace("HL7V2", data_type)
    found = world(tmp_path, xml)
    assert found.missing == []
    (inbound,) = found.graph().inbounds.values()
    assert inbound.content_type == content
