"""What a sound configuration becomes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from messagefoundry.message import Message
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.values import (
    AckMode,
    BuildupThreshold,
    InternalErrorPolicy,
    OrderingMode,
    RetryPolicy,
    Send,
)

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

FEED = """
inbound("IB_ACME", Pipe(port=2575), router="adt")
outbound("OB_LAB", Pipe(host="lab", port=2576))
"""


def test_defaults_are_those_of_the_published_interface(configuration: Configuration) -> None:
    configuration.feed(FEED)
    graph = configuration.load()
    inbound, outbound = graph.inbounds["IB_ACME"], graph.outbounds["OB_LAB"]
    assert (inbound.router, inbound.content_type, inbound.ack_mode) == ("adt", "hl7v2", AckMode.ORIGINAL)
    assert (inbound.auto_start, inbound.deployed, inbound.bind_host) == (True, True, "127.0.0.1")
    assert (inbound.source_ip_allowlist, inbound.max_message_bytes, inbound.metadata) == ((), None, {})
    assert inbound.endpoint() == "127.0.0.1:2575"
    assert outbound.retry == RetryPolicy(None, 5, 2, 300)
    assert outbound.ordering is OrderingMode.FIFO
    assert outbound.internal_error is InternalErrorPolicy.CONTINUE
    assert outbound.buildup == BuildupThreshold(None, 300)
    assert outbound.simulate is False
    assert outbound.endpoint() == "lab:2576"
    assert graph.environment == "dev"
    assert graph.source == str(configuration.directory)
    assert graph.warnings == ()


def test_every_option_reaches_the_graph(configuration: Configuration) -> None:
    configuration.deployment = Deployment(allow_insecure_bind=True)
    configuration.feed("""
inbound("IB", Pipe(port=1, encoding="latin-1"), router="adt", ack_mode="enhanced", content_type=ContentType.JSON,
        auto_start=False, deployed=False, metadata={"owner": "lab"}, bind_address="10.0.0.5",
        source_ip_allowlist=["10.1.0.0/16", "10.2.0.7"], max_message_bytes=4096, ack_after="ingest", strict=False)
outbound("OB_LAB", Drop(password="x"), retry=RetryPolicy(max_attempts=3), ordering="unordered",
         internal_error=InternalErrorPolicy.STOP, buildup=BuildupThreshold(max_depth=9), simulate=True,
         auto_start=False, deployed=False, metadata={"owner": "lab"})
""")
    graph = configuration.load()
    inbound, outbound = graph.inbounds["IB"], graph.outbounds["OB_LAB"]
    assert (inbound.ack_mode, inbound.content_type) == (AckMode.ENHANCED, "json")
    assert (inbound.auto_start, inbound.deployed) == (False, False)
    assert inbound.bind_host == "10.0.0.5"
    assert inbound.source_ip_allowlist == (ip_network("10.1.0.0/16"), ip_network("10.2.0.7/32"))
    assert (inbound.max_message_bytes, dict(inbound.metadata)) == (4096, {"owner": "lab"})
    assert inbound.settings.text_encoding() == "latin-1"
    assert outbound.retry.max_attempts == 3
    assert outbound.ordering is OrderingMode.UNORDERED
    assert outbound.internal_error is InternalErrorPolicy.STOP
    assert outbound.buildup.max_depth == 9
    assert (outbound.simulate, outbound.auto_start, outbound.deployed) == (True, False, False)


def test_the_deployment_decides_what_connections_leave_open(configuration: Configuration) -> None:
    configuration.deployment = Deployment(
        bind_host="127.0.0.1",
        simulate_all_egress=True,
        retry=RetryPolicy(max_attempts=7),
        ordering=OrderingMode.UNORDERED,
        internal_error=InternalErrorPolicy.STOP,
        buildup=BuildupThreshold(5, 6),
    )
    configuration.feed(FEED + 'outbound("OB_OWN", Drop(password="x"), retry=RetryPolicy(max_attempts=1))')
    outbounds = configuration.load().outbounds
    lab = outbounds["OB_LAB"]
    assert (lab.retry.max_attempts, lab.ordering, lab.internal_error) == (7, "unordered", "stop")
    assert lab.buildup == BuildupThreshold(5, 6)
    assert lab.simulate is True
    assert outbounds["OB_OWN"].retry.max_attempts == 1
    assert outbounds["OB_OWN"].simulate is True


def test_the_graph_cannot_be_changed(configuration: Configuration) -> None:
    configuration.feed(FEED)
    graph = configuration.load()
    with pytest.raises(TypeError):
        graph.inbounds["IB_NEW"] = graph.inbounds["IB_ACME"]  # type: ignore[index]


def test_routers_and_handlers_are_the_functions_as_written(configuration: Configuration) -> None:
    configuration.feed(FEED)
    graph = configuration.load()
    message = Message.parse(b"MSH|^~\\&|A|B|||20260101||ADT^A01|1|P|2.5\r")
    assert graph.routers["adt"].function(message) == "to_lab"
    sent = graph.handlers["to_lab"].function(message)
    assert isinstance(sent, Send)
    assert sent.to == "OB_LAB"


def test_one_handler_serves_several_routers(configuration: Configuration) -> None:
    configuration.feed(
        FEED + 'inbound("IB_2", Fetch(folder="in"), router="oru")',
        routes="""
@router("adt")
def adt(msg): return "to_lab"
@router("oru")
def oru(msg): return ["to_lab"]
@handler("to_lab", accepts=lambda msg: msg["PID-3"])
def to_lab(msg): return Send("OB_LAB", msg)
""",
    )
    graph = configuration.load()
    assert set(graph.routers) == {"adt", "oru"}
    assert graph.handlers["to_lab"].accepts is not None
    assert graph.warnings == ()


def test_what_nobody_uses_is_warned_of(configuration: Configuration) -> None:
    configuration.feed(
        FEED,
        routes="""
@router("adt")
def adt(msg): return f"to_{msg['MSH-6']}"
@router("idle")
def idle(msg): return None
@handler("to_lab")
def to_lab(msg): return None
TARGETS = ["to_ward"]
@handler("to_ward")
def to_ward(msg): return None
""",
    )
    warnings = [str(warning).replace(f"{configuration.directory}/", "") for warning in configuration.load().warnings]
    assert warnings == [
        "feed.py:12: idle: no inbound Connection has this Router (remove it, or name it in inbound(router=...))",
        "feed.py:14: to_lab: no Router names this Handler (remove it, or return its name from a Router)",
    ]


def test_names_that_nothing_has_are_warned_of_where_they_stand(configuration: Configuration) -> None:
    file = configuration.feed(
        FEED,
        routes="""
LAB = "OB_LBA"

@router("adt")
def adt(msg):
    if msg["MSH-9.1"] == "ORU":
        return "to_lab" if msg["MSH-4"] == "HERE" else ["to_lba", "to_lab"]
    def nested():
        return "nothing"
    return msg["MSH-6"] or None

def both(msg):
    return [Send(to="OB_LAB", message=msg), Send("OB_ELSEWHERE" if msg["PV1-2"] else "OB_LAB", msg)]

@handler("to_lab")
def to_lab(msg):
    return both(msg) if msg["MSH-9"] else Send("OB_LAB2", msg)

@handler("again", accepts=lambda msg: "again")
def again(msg): return [each for each in both(msg)]

@router("idle")
def idle(msg):
    yield "again"
    yield "never"
""",
    )
    lines = file.read_text().splitlines()
    found = [warning for warning in configuration.load().warnings if "such messages end in ERROR" in warning.text]
    assert [
        (each.name, each.text.partition(",")[0], lines[each.line - 1].strip()[:12], each.mend) for each in found
    ] == [
        ("adt", "returns 'to_lba'", 'return "to_l', "did you mean 'to_lab'?"),
        ("idle", "returns 'never'", 'yield "never', "known are again, to_lab"),
        ("to_lab", "sends to 'OB_LAB2'", "return both(", "did you mean 'OB_LAB'?"),
        ("to_lab", "sends to 'OB_ELSEWHERE'", "return [Send", "known are OB_LAB"),
        ("again", "sends to 'OB_ELSEWHERE'", "return [Send", "known are OB_LAB"),
    ]
    assert {each.file for each in found} == {str(file)}


def test_a_router_that_was_not_written_as_one_is_no_obstacle(configuration: Configuration) -> None:
    configuration.feed(
        FEED,
        routes="""
class Routing:
    def __call__(self, msg): return "nobody"
router("adt")(Routing())
handler("to_lab")(lambda msg: Send("nobody", msg))
""",
    )
    assert [warning for warning in configuration.load().warnings if "such messages" in warning.text] == []


def test_a_graph_without_an_inbound_is_warned_of(configuration: Configuration) -> None:
    configuration.feed('outbound("OB_LAB", Drop(password="x"))', routes="")
    (warning,) = configuration.load().warnings
    assert "nothing can come in" in warning.text
