"""connections.toml: the same Connections as in Python, the same checks, the lines and words of the file."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from messagefoundry.engine.reload import changes
from messagefoundry.wiring.deployment import Deployment
from messagefoundry.wiring.graph import Place
from messagefoundry.wiring.values import AckMode, BuildupThreshold, InternalErrorPolicy, OrderingMode, RetryPolicy
from messagefoundry.wiring.wanted import wanted_by
from tests.wiring.conftest import AUTHORING, ROUTES

if TYPE_CHECKING:
    from messagefoundry.wiring.graph import Graph
    from tests.wiring.conftest import Configuration

FILE = "connections.toml"

EVERYTHING = """\
# what comes in
[[inbound]]
name = "IB"
transport = "Pipe"
router = "adt"
ack_mode = "enhanced"
content_type = "json"
auto_start = false
deployed = false
bind_address = "10.0.0.5"
source_ip_allowlist = ["10.1.0.0/16", "10.2.0.7"]
max_message_bytes = 4096
ack_after = "ingest"

[inbound.settings]
port = 1
encoding = "latin-1"

[inbound.metadata]
owner = "lab"
env = "of the lab"

[[outbound]]
name = "OB_LAB"
transport = "Drop"
ordering = "unordered"
internal_error = "stop"
simulate = true

[outbound.settings]
password = "x"

[outbound.retry]
max_attempts = 3

[outbound.buildup]
max_depth = 9
"""

IN_PYTHON = """
inbound("IB", Pipe(port=1, encoding="latin-1"), router="adt", ack_mode="enhanced", content_type="json",
        auto_start=False, deployed=False, bind_address="10.0.0.5", source_ip_allowlist=["10.1.0.0/16", "10.2.0.7"],
        max_message_bytes=4096, metadata={"owner": "lab", "env": "of the lab"})
outbound("OB_LAB", Drop(password="x"), ordering="unordered", internal_error="stop", simulate=True,
         retry=RetryPolicy(max_attempts=3), buildup=BuildupThreshold(max_depth=9))
"""


@pytest.fixture
def routes(configuration: Configuration) -> Configuration:
    """A configuration whose Router and Handler are in Python, and whose Connections are not written yet."""
    configuration.write("routes.py", AUTHORING + ROUTES)
    configuration.deployment = Deployment(allow_insecure_bind=True)
    return configuration


def test_every_option_reaches_the_graph(routes: Configuration) -> None:
    routes.write(FILE, EVERYTHING)
    graph = routes.load()
    inbound, outbound = graph.inbounds["IB"], graph.outbounds["OB_LAB"]
    assert (inbound.connector.name, inbound.router, inbound.content_type) == ("Pipe", "adt", "json")
    assert (inbound.ack_mode, inbound.auto_start, inbound.deployed) == (AckMode.ENHANCED, False, False)
    assert inbound.source_ip_allowlist == (ip_network("10.1.0.0/16"), ip_network("10.2.0.7/32"))
    assert (inbound.bind_host, inbound.max_message_bytes) == ("10.0.0.5", 4096)
    assert dict(inbound.metadata) == {"owner": "lab", "env": "of the lab"}
    assert inbound.settings.text_encoding() == "latin-1"
    assert inbound.place == Place(str(routes.directory / FILE), 2)
    assert outbound.retry == RetryPolicy(max_attempts=3)
    assert outbound.buildup == BuildupThreshold(max_depth=9)
    assert (outbound.ordering, outbound.internal_error) == (OrderingMode.UNORDERED, InternalErrorPolicy.STOP)
    assert outbound.simulate
    assert outbound.place.line == 23


def test_moving_connections_into_the_file_changes_nothing(routes: Configuration) -> None:
    feed = routes.feed(IN_PYTHON, routes="")
    before = routes.load()
    feed.unlink()
    routes.write(FILE, EVERYTHING)
    found = changes(replace_deployed(before), replace_deployed(routes.load()))
    assert (found.added, found.changed, found.removed) == ((), (), ())
    assert found.unchanged == ("IB", "OB_LAB")


def replace_deployed(graph: Graph) -> Graph:
    """The same graph with all of it deployed, so that a reload compares all of it."""
    inbounds = {name: replace(each, deployed=True) for name, each in graph.inbounds.items()}
    return replace(graph, inbounds=inbounds)


def test_both_in_one_configuration(routes: Configuration) -> None:
    routes.feed('inbound("IB_1", Pipe(port=1), router="adt")', routes="")
    routes.write(
        FILE,
        '[[outbound]]\nname = "OB_LAB"\ntransport = "Pipe"\nsettings = { host = "lab", port = 2 }\n\n'
        '[[inbound]]\nname = "IB_2"\ntransport = "Pipe"\nrouter = "adt"\nsettings.port = 3\n',
    )
    graph = routes.load()
    assert list(graph.inbounds) == ["IB_1", "IB_2"]
    assert graph.outbounds["OB_LAB"].endpoint() == "lab:2"
    assert graph.warnings == ()


def test_a_file_alone_is_a_configuration(configuration: Configuration) -> None:
    configuration.write(FILE, '[[outbound]]\nname = "OB"\ntransport = "Pipe"\nsettings = { host = "lab", port = 2 }\n')
    assert list(configuration.load().outbounds) == ["OB"]


def test_a_byte_order_mark_is_no_mistake(routes: Configuration) -> None:
    (routes.directory / FILE).write_bytes(b"\xef\xbb\xbf" + EVERYTHING.encode())
    assert list(routes.load().inbounds) == ["IB"]


def test_doctor_knows_what_the_file_needs(routes: Configuration) -> None:
    routes.write(FILE, EVERYTHING)
    wanted = wanted_by(routes.directory)
    assert wanted.connectors == {"Pipe", "Drop"}
    assert wanted.content_types == {"json"}


def test_values_of_the_environment(routes: Configuration) -> None:
    routes.values = {"lab_host": "lab.example.org", "lab_port": "2576", "router": "adt", "attempts": 4}
    routes.write(
        FILE,
        """\
[[inbound]]
name = "IB"
transport = "Pipe"
router = { env = "router" }
settings = { port = { env = "ib_port", cast = "int", default = 7 } }

[[outbound]]
name = "OB_LAB"
transport = "Pipe"
settings = { host = { env = "lab_host" }, port = { env = "lab_port", cast = "int" } }
retry.max_attempts = { env = "attempts" }
metadata = { owner = "lab" }
""",
    )
    graph = routes.load()
    assert graph.inbounds["IB"].router == "adt"
    assert graph.inbounds["IB"].endpoint() == "127.0.0.1:7"
    assert graph.outbounds["OB_LAB"].endpoint() == "lab.example.org:2576"
    assert graph.outbounds["OB_LAB"].retry.max_attempts == 4


HEAD_IN = '[[inbound]]\nname = "IB"\ntransport = "Pipe"\n'
HEAD_OUT = '[[outbound]]\nname = "OB"\ntransport = "Pipe"\n'
PORT = "[inbound.settings]\nport = 1\n"
AT = "connections.toml"

MISTAKES = {
    "no TOML": ("[[inbound]]\nname = \n", [f"{AT}:2: is not readable as TOML: Invalid value (mend the line)"]),
    "unknown table": (
        "[[inbond]]\nname = 1\n",
        [f"{AT}:1: there is no table 'inbond' in connections.toml (did you mean 'inbound'?)"],
    ),
    "one pair of brackets": (
        '[inbound]\nname = "IB"\n',
        [f"{AT}:1: each inbound Connection is a table of its own (begin each with [[inbound]])"],
    ),
    "no name": (
        '[[outbound]]\ntransport = "Pipe"\nsettings = { port = 1 }\n',
        [f"{AT}:1: the name of a Connection is text without spaces around it (give it a name)"],
    ),
    "no transport": (
        '[[outbound]]\nname = "OB"\n',
        [f'{AT}:1: OB: transport names the connector (add transport = "MLLP")'],
    ),
    "transport unknown": (
        '[[outbound]]\nname = "OB"\ntransport = "Pip"\n',
        [f"{AT}:3: OB: no installed plugin has the connector 'Pip' (did you mean 'Pipe'?)"],
    ),
    "transport for the other direction": (
        '[[outbound]]\nname = "OB"\n# polls\ntransport = "Fetch"\n',
        [f"{AT}:4: OB: Fetch is for inbound Connections alone (declare it under [[inbound]])"],
    ),
    "Router missing": (
        HEAD_IN + PORT,
        [f'{AT}:1: IB: an inbound Connection needs a Router (add router = "...")'],
    ),
    "Router dangling": (
        f'{HEAD_IN}router = "atd"\n{PORT}',
        [f"{AT}:4: IB: its Router 'atd' is not declared (did you mean 'adt'?)"],
    ),
    "unknown key": (
        f'{HEAD_IN}router = "adt"\nack_mod = "none"\n{PORT}',
        [f"{AT}:5: IB: [[inbound]] has no key 'ack_mod' (did you mean 'ack_mode'?)"],
    ),
    "an option outside of the settings": (
        f'{HEAD_IN}router = "adt"\nencoding = "latin-1"\n{PORT}',
        [f"{AT}:5: IB: [[inbound]] has no key 'encoding' (write it under [inbound.settings])"],
    ),
    "a key among the settings": (
        f'{HEAD_IN}{PORT}router = "adt"\n',
        [
            f'{AT}:1: IB: an inbound Connection needs a Router (add router = "...")',
            f"{AT}:6: IB: Pipe has no option 'router' (write it above [inbound.settings])",
        ],
    ),
    "unknown option": (
        f"{HEAD_OUT}\n[outbound.settings]\n# where\nprot = 1\n",
        [
            f"{AT}:5: OB: Pipe needs the option 'port' (add port = ... under [outbound.settings])",
            f"{AT}:7: OB: Pipe has no option 'prot' (did you mean 'port'?)",
        ],
    ),
    "wrong values": (
        f'{HEAD_OUT}simulate = "perhaps"\nmetadata = 3\n[outbound.settings]\nport = "no"\nmode = "medium"\n',
        [
            f"{AT}:4: OB: option 'simulate' must be true or false",
            f"{AT}:5: OB: option 'metadata' must be a table",
            f"{AT}:7: OB: option 'port' of Pipe must be a whole number",
            f"{AT}:8: OB: option 'mode' of Pipe must be one of 'slow' or 'fast'",
        ],
    ),
    "wrong values of a policy": (
        f"{HEAD_OUT}settings.port = 1\n[outbound.retry]\nbackoff = 3\n[outbound.buildup]\nmax_depth = 'no'\n",
        [
            f"{AT}:5: OB: option 'retry' has no key 'backoff': did you mean 'backoff_seconds'?",
            f"{AT}:7: OB: option 'buildup' has 'max_depth', which must be a whole number",
        ],
    ),
    "a policy that contradicts itself": (
        f"{HEAD_OUT}settings.port = 1\nretry = {{ max_attempts = 0 }}\n",
        [f"{AT}:5: OB: option 'retry' max_attempts must be at least 1, or None to retry for ever"],
    ),
    "a policy that is no table": (
        f"{HEAD_OUT}settings.port = 1\nretry = 3\n",
        [f"{AT}:5: OB: option 'retry' must be a table"],
    ),
    "settings that are no table": (
        f"{HEAD_OUT}settings = 3\n",
        [
            f"{AT}:4: OB: settings is the table of the connector's options (write [outbound.settings])",
            f"{AT}:4: OB: Pipe needs the option 'port' (add port = ... under [outbound.settings])",
        ],
    ),
    "what the connector finds": (
        f'{HEAD_IN}router = "adt"\n{PORT}host = "h"\n',
        [f"{AT}:7: IB: an inbound takes no host (leave it out)"],
    ),
    "an option that is not built": (
        f"{HEAD_OUT}dead_letter_days = 5\n[outbound.settings]\nport = 1\ncapture_response = true\n",
        [
            f"{AT}:4: OB: option 'dead_letter_days' is not supported yet in this release (leave it out)",
            f"{AT}:7: OB: option 'capture_response' is not supported yet in this release (leave it out)",
        ],
    ),
    "env without a value": (
        f'{HEAD_OUT}[outbound.settings]\nhost = "lab"\nport = {{ env = "lab_prot" }}\n',
        [
            f"{AT}:6: OB: option 'port' of Pipe: {{ env = \"lab_prot\" }} has no value in the environment dev "
            "(did you mean 'lab_port'? else set the variable MEFOR_VALUE_LAB_PROT)"
        ],
    ),
    "env written wrongly": (
        f'{HEAD_OUT}[outbound.settings]\nhost = {{ env = "Lab" }}\nport = {{ env = "lab_port", csat = "int" }}\n'
        'mode = { env = "lab_port", cast = "number" }\n',
        [
            f'{AT}:5: OB: a key of env is lower_snake_case (write it like {{ env = "acme_adt_host" }})',
            f"{AT}:5: OB: option 'host' of Pipe: {{ env = \"Lab\" }} has no value in the environment dev "
            "(did you mean 'lab_port'? else set the variable MEFOR_VALUE_LAB)",
            f"{AT}:6: OB: a value from the environment has no key 'csat' (did you mean 'cast'?)",
            f"{AT}:7: OB: cast is one of int, float, bool, str (use one of these, or none)",
        ],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_sentence(routes: Configuration, mistake: str) -> None:
    text, expected = MISTAKES[mistake]
    routes.values = {"lab_port": "2576"}
    routes.write(FILE, text)
    assert routes.problems() == expected


def test_a_name_in_a_module_and_in_the_file(routes: Configuration) -> None:
    routes.feed('inbound("IB", Pipe(port=1), router="adt")', routes="")
    routes.write(
        FILE, f'{HEAD_OUT}settings.port = 1\n\n[[outbound]]\nname = "IB"\ntransport = "Pipe"\nsettings.port = 2\n'
    )
    assert routes.problems() == [
        "connections.toml:6: IB: a Connection of this name is already declared at feed.py:5 (rename one)"
    ]


def test_all_problems_of_modules_and_file_come_at_once(routes: Configuration) -> None:
    routes.feed('inbound("IB", Pipe(prot=1), router="adt")', routes="")
    routes.write(FILE, '[[outbound]]\nname = "OB"\ntransport = "Pip"\n\n[[inbound]]\nname = "IB2"\nrouter = "atd"\n')
    assert routes.problems() == [
        "connections.toml:3: OB: no installed plugin has the connector 'Pip' (did you mean 'Pipe'?)",
        'connections.toml:5: IB2: transport names the connector (add transport = "MLLP")',
        "connections.toml:7: IB2: its Router 'atd' is not declared (did you mean 'adt'?)",
        "feed.py:5: IB: Pipe needs the option 'port' (add port=...)",
        "feed.py:5: IB: Pipe has no option 'prot' (did you mean 'port'?)",
    ]


def test_a_file_that_cannot_be_read_hides_nothing_else(routes: Configuration) -> None:
    routes.feed('inbound("IB", Pipe(port=1), router="adt")\ninbound("IB2", Pipe(prot=1), router="x")', routes="")
    (routes.directory / FILE).write_bytes(b'[[outbound]]\nname = "\xff"\n')
    assert routes.problems() == [
        "connections.toml:2: is not UTF-8 text (save the file in that encoding)",
        "feed.py:6: IB2: Pipe needs the option 'port' (add port=...)",
        "feed.py:6: IB2: Pipe has no option 'prot' (did you mean 'port'?)",
    ]


def test_a_file_that_others_may_write_is_refused(routes: Configuration) -> None:
    file = routes.write(FILE, EVERYTHING)
    file.chmod(0o664)
    assert routes.problems() == [
        f"{FILE}: may be written by other users, and it says where messages go (chmod go-w '{FILE}')"
    ]


def test_a_secret_is_in_no_sentence(routes: Configuration) -> None:
    routes.write(FILE, '[[outbound]]\nname = "OB"\ntransport = "Drop"\nsettings = { password = ["hunter2"] }\n')
    assert routes.problems() == ["connections.toml:4: OB: option 'password' of Drop must be text"]
