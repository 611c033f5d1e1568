"""Every mistake of an author: one sentence with file, line, name and mend; all of them at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.errors import ConfigurationError
from messagefoundry.plugins import BrokenPlugin, Clash, Installed, pip_line
from messagefoundry.wiring.deployment import Deployment

if TYPE_CHECKING:
    from tests.wiring.conftest import Configuration

MISTAKES = {
    "Router missing": (
        'inbound("IB", Pipe(port=1))',
        ['feed.py:5: IB: an inbound Connection needs a Router (add router="...")'],
    ),
    "Router dangling": (
        'inbound("IB", Pipe(port=1), router="atd")',
        ["feed.py:5: IB: its Router 'atd' is not declared (did you mean 'adt'?)"],
    ),
    "unknown keyword": (
        'inbound("IB", Pipe(port=1), router="adt", ack_mod="none")',
        ["feed.py:5: IB: inbound() has no option 'ack_mod' (did you mean 'ack_mode'?)"],
    ),
    "unknown option of the connector": (
        'outbound("OB", Pipe(prot=1))',
        [
            "feed.py:5: OB: Pipe needs the option 'port' (add port=...)",
            "feed.py:5: OB: Pipe has no option 'prot' (did you mean 'port'?)",
        ],
    ),
    "an option that only the other direction has": (
        'outbound("OB", Pipe(port=1, timeou=3))',
        ["feed.py:5: OB: Pipe has no option 'timeou' (did you mean 'timeout_seconds'?)"],
    ),
    "the beginning of an option": (
        'inbound("IB", Pipe(port=1, reply=3), router="adt")',
        ["feed.py:5: IB: Pipe has no option 'reply' (did you mean 'reply_from'?)"],
    ),
    "options by position": (
        'outbound("OB", Pipe(1))',
        [
            "feed.py:5: OB: Pipe needs the option 'port' (add port=...)",
            "feed.py:5: OB: the options of Pipe are given by keyword (write Pipe(port=...))",
        ],
    ),
    "too many positions": (
        'inbound("IB", Pipe(port=1), "adt", router="adt")',
        ["feed.py:5: IB: inbound() takes a name and a connector; all else is given by keyword"],
    ),
    "wrong type": (
        'outbound("OB", Pipe(port="no", mode="medium"))',
        [
            "feed.py:5: OB: option 'port' of Pipe must be a whole number",
            "feed.py:5: OB: option 'mode' of Pipe must be one of 'slow' or 'fast'",
        ],
    ),
    "out of range": (
        'outbound("OB", Pipe(port=70000))',
        ["feed.py:5: OB: option 'port' of Pipe must be at most 65535"],
    ),
    "host on an inbound": (
        'inbound("IB", Pipe(port=1, host="h"), router="adt")',
        ["feed.py:5: IB: an inbound takes no host (leave it out)"],
    ),
    "option of the connector not built": (
        'outbound("OB", Pipe(port=1, capture_response=True))',
        ["feed.py:5: OB: option 'capture_response' is not supported yet in this release (leave it out)"],
    ),
    "not a connector": (
        'outbound("OB", "lab:2575")',
        ["feed.py:5: OB: the second argument is a connector with its options (write MLLP(...))"],
    ),
    "connector not called": (
        'outbound("OB", Pipe)',
        ["feed.py:5: OB: the second argument is a connector with its options (write Pipe(...))"],
    ),
    "no name": (
        'outbound("", Drop(password="x"))',
        ["feed.py:5: the name of a Connection is text without spaces around it (give it a name)"],
    ),
    "connector not installed": (
        'outbound("OB", MLLP(port=1))',
        [f"feed.py:5: OB: the connector MLLP is not installed ({pip_line('mllp')})"],
    ),
    "connector not available": (
        'outbound("OB", Rest(port=1))',
        ["feed.py:5: OB: the connector Rest is not available in this release"],
    ),
    "connector unknown": (
        'outbound("OB", Quux(folder="x"))',
        [
            "feed.py:5: OB: no installed plugin has the connector 'Quux' "
            "(known are Drop, Fetch, Loopback, Lost, PassThrough, Pipe)"
        ],
    ),
    "connector cannot be imported": (
        'inbound("IB", transport("Lost", dict)(), router="adt")',
        [
            "feed.py:5: IB: Lost cannot be used: AttributeError: module 'tests.wiring.pipes' has no attribute "
            "'Nowhere' (messagefoundry doctor says more)"
        ],
    ),
    "inbound only": (
        'outbound("OB", Fetch(folder="x"))',
        ["feed.py:5: OB: Fetch is for inbound Connections alone (declare it with inbound())"],
    ),
    "outbound only": (
        'inbound("IB", Drop(password="x"), router="adt")',
        ["feed.py:5: IB: Drop is for outbound Connections alone (declare it with outbound())"],
    ),
    "content type unknown": (
        'inbound("IB", Pipe(port=1), router="adt", content_type="hl7")',
        [
            "feed.py:5: IB: no installed plugin has the content type 'hl7' (did you mean 'hl7v2'?)",
        ],
    ),
    "content type without plugin": (
        'inbound("IB", Pipe(port=1), router="adt", content_type="fhir")',
        ["feed.py:5: IB: the content type fhir is not available in this release"],
    ),
    "wrong values": (
        'inbound("IB", Pipe(port=1), router="adt", auto_start="later", ack_mode="AA", max_message_bytes=0, '
        "metadata=[1])",
        [
            "feed.py:5: IB: option 'auto_start' must be True or False",
            "feed.py:5: IB: option 'ack_mode' must be one of original, enhanced, none",
            "feed.py:5: IB: option 'max_message_bytes' must be a whole number above 0",
            "feed.py:5: IB: option 'metadata' must be a dict whose keys are text",
        ],
    ),
    "wrong delivery": (
        'outbound("OB", Drop(password="x"), retry=3, ordering="lifo", internal_error="go", buildup=5)',
        [
            "feed.py:5: OB: option 'retry' must be a RetryPolicy",
            "feed.py:5: OB: option 'ordering' must be one of fifo, unordered",
            "feed.py:5: OB: option 'internal_error' must be one of continue, stop",
            "feed.py:5: OB: option 'buildup' must be a BuildupThreshold",
        ],
    ),
    "addresses": (
        'inbound("IB", Pipe(port=1), router="adt", bind_address="127.0.0.1:2575", source_ip_allowlist=["10.1.2.3/8"])',
        [
            "feed.py:5: IB: option 'bind_address' must be the IP address or host name of one interface, without a port",
            "feed.py:5: IB: option 'source_ip_allowlist' has '10.1.2.3/8', which is not a network such as "
            "'10.1.0.0/16' or '10.1.2.3'",
        ],
    ),
    "empty allow-list": (
        'inbound("IB", Pipe(port=1), router="adt", source_ip_allowlist=[])',
        [
            "feed.py:5: IB: option 'source_ip_allowlist' is empty: leave it out to let every peer in, or name networks",
        ],
    ),
    "listener's options on a poller": (
        'inbound("IB", Fetch(folder="in"), router="adt", bind_address="127.0.0.1", source_ip_allowlist=["10.0.0.0/8"])',
        [
            "feed.py:5: IB: option 'bind_address' is for Connections that listen on a port (leave it out)",
            "feed.py:5: IB: option 'source_ip_allowlist' is for Connections that listen on a port (leave it out)",
        ],
    ),
    "duplicate Connection": (
        'outbound("X", Drop(password="x"))\ninbound("X", Pipe(port=1), router="adt")',
        ["feed.py:6: X: a Connection of this name is already declared at feed.py:5 (rename one)"],
    ),
    "duplicate Handler": (
        '@handler("to_lab")\ndef other(msg): return None',
        ["feed.py:12: to_lab: a Handler of this name is already declared at feed.py:5 (rename one)"],
    ),
    "duplicate Router": (
        '@router("adt")\ndef other(msg): return None',
        ["feed.py:8: adt: a Router of this name is already declared at feed.py:5 (rename one)"],
    ),
    "reply_from dangling": (
        'inbound("IB", Pipe(port=1, reply_from="OB_LAB"), router="adt")\noutbound("OB_LAP", Drop(password="x"))',
        [
            "feed.py:5: IB: reply_from names the outbound Connection 'OB_LAB', which is not declared "
            "(did you mean 'OB_LAP'?)"
        ],
    ),
    "decorator without a name": (
        "@handler\ndef to_ward(msg): return None",
        ['feed.py:5: to_ward: @handler needs a name (write @handler("to_ward"))'],
    ),
    "async Handler": (
        '@handler("to_ward")\nasync def to_ward(msg): return None',
        ["feed.py:5: to_ward: a handler is a plain function, not an async one (write def, not async def)"],
    ),
    "accepts is no function": (
        '@handler("to_ward", accepts="ADT")\ndef to_ward(msg): return None',
        ["feed.py:5: to_ward: accepts= is a function that is given the message (pass a function)"],
    ),
    "unknown keyword of a decorator": (
        '@handler("to_ward", accept=len)\ndef to_ward(msg): return None',
        ["feed.py:5: to_ward: @handler has no option 'accept' (did you mean 'accepts'?)"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_sentence(configuration: Configuration, mistake: str) -> None:
    source, expected = MISTAKES[mistake]
    configuration.feed(source)
    assert configuration.problems() == expected


INBOUND_NOT_YET = ("messages_days=30",)
OUTBOUND_NOT_YET = ("dead_letter_days=3",)


@pytest.mark.parametrize("option", INBOUND_NOT_YET)
def test_an_inbound_option_that_is_not_built_is_refused_by_name(configuration: Configuration, option: str) -> None:
    configuration.feed(f'inbound("IB", Pipe(port=1), router="adt", {option})')
    name = option.partition("=")[0]
    assert configuration.problems() == [
        f"feed.py:5: IB: option {name!r} is not supported yet in this release (leave it out)"
    ]


@pytest.mark.parametrize("option", OUTBOUND_NOT_YET)
def test_an_outbound_option_that_is_not_built_is_refused_by_name(configuration: Configuration, option: str) -> None:
    configuration.feed(f'outbound("OB", Drop(password="x"), {option})')
    name = option.partition("=")[0]
    assert configuration.problems() == [
        f"feed.py:5: OB: option {name!r} is not supported yet in this release (leave it out)"
    ]


def test_a_secret_is_in_no_sentence(configuration: Configuration) -> None:
    configuration.values = {"secret": "hunter2"}
    configuration.feed('outbound("OB", Drop(password=["hunter2"], retries=env("secret")))')
    assert configuration.problems() == [
        "feed.py:5: OB: option 'password' of Drop must be text",
        "feed.py:5: OB: option 'retries' of Drop (from env('secret')) must be a whole number",
    ]


def test_all_problems_come_at_once_in_the_order_of_the_files(configuration: Configuration) -> None:
    inbound = 'inbound("IB", Pipe(port="x"), router="atd", messages_days=3)'
    configuration.feed(f'{inbound}\noutbound("OB", Fetch(folder="x"))')
    configuration.write("aaa.py", "import nowhere_at_all\n")
    configuration.write("zzz.py", "x = 1\ny = (\n")
    assert configuration.problems() == [
        "aaa.py:1: ModuleNotFoundError: No module named 'nowhere_at_all' (install what provides nowhere_at_all, or "
        "mend the name)",
        "feed.py:5: IB: option 'messages_days' is not supported yet in this release (leave it out)",
        "feed.py:5: IB: option 'port' of Pipe must be a whole number",
        "feed.py:6: OB: Fetch is for inbound Connections alone (declare it with inbound())",
        "zzz.py:2: SyntaxError: '(' was never closed (mend the line)",
    ]


def test_two_listeners_on_one_port(configuration: Configuration) -> None:
    configuration.values = {"port": "2575"}
    configuration.feed("""
inbound("IB_1", Pipe(port=2575), router="adt")
inbound("IB_2", Pipe(port=env("port", cast=int)), router="adt", bind_address="localhost")
inbound("IB_3", Pipe(port=2575), router="adt", deployed=False)
inbound("IB_4", Pipe(port=0), router="adt")
inbound("IB_5", Pipe(port=0), router="adt")
""")
    configuration.deployment = Deployment(allow_insecure_bind=True)
    assert configuration.problems() == [
        "feed.py:7: IB_2: port 2575 on localhost is also bound by IB_1 (feed.py:6) (give one of them another port)"
    ]


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
def test_every_interface_clashes_with_any_the_api_included(configuration: Configuration, everywhere: str) -> None:
    configuration.deployment = Deployment(allow_insecure_bind=True, api_port=8765)
    configuration.feed(f"""
inbound("IB_1", Pipe(port=8765), router="adt", bind_address="{everywhere}")
inbound("IB_2", Pipe(port=2575), router="adt", bind_address="10.0.0.1")
inbound("IB_3", Pipe(port=2575), router="adt", bind_address="10.0.0.2")
inbound("IB_4", Pipe(port=2575), router="adt", bind_address="{everywhere}")
""")
    assert configuration.problems() == [
        f"feed.py:6: IB_1: port 8765 on {everywhere} is also bound by the HTTP API ([api] port) "
        "(give one of them another port)",
        f"feed.py:9: IB_4: port 2575 on {everywhere} is also bound by IB_2 (feed.py:7) (give one of them another port)",
    ]


def test_no_api_no_clash(configuration: Configuration) -> None:
    configuration.deployment = Deployment(api_port=None)
    configuration.feed('inbound("IB", Pipe(port=8765), router="adt")')
    assert configuration.load().inbounds["IB"].settings.listens_on() == 8765


def test_a_plugin_that_is_broken_is_named_with_its_cause(configuration: Configuration, installed: Installed) -> None:
    broken = BrokenPlugin("messagefoundry-mllp", "it cannot be imported: ImportError: no libssl")
    configuration.installed = Installed(installed.plugins, (broken,), (), installed.connectors, installed.codecs)
    configuration.feed('outbound("OB", MLLP(port=1))')
    assert configuration.problems() == [
        "feed.py:5: OB: the connector MLLP is in messagefoundry-mllp, which is installed but cannot be used: it cannot "
        "be imported: ImportError: no libssl (messagefoundry doctor says more)"
    ]


def test_a_broken_plugin_that_nothing_needs_keeps_nothing_from_loading(
    configuration: Configuration, installed: Installed
) -> None:
    broken = BrokenPlugin("messagefoundry-mllp", "it cannot be imported")
    configuration.installed = Installed(installed.plugins, (broken,), (), installed.connectors, installed.codecs)
    configuration.feed('inbound("IB", Pipe(port=1), router="adt")')
    assert configuration.load().inbounds


def test_a_plugin_may_bring_a_content_type_of_any_name(configuration: Configuration, installed: Installed) -> None:
    configuration.installed = replace(installed, codecs={**installed.codecs, "acme": installed.codecs["text"]})
    configuration.feed('inbound("IB", Pipe(port=1), router="adt", content_type="acme")')
    assert configuration.load().inbounds["IB"].content_type == "acme"


def test_two_plugins_that_claim_a_name_keep_every_configuration_from_loading(
    configuration: Configuration, installed: Installed
) -> None:
    first, second = installed.plugins
    clash = Clash("connector", "Pipe", first, second)
    configuration.installed = replace(installed, clashes=(clash,))
    configuration.feed('inbound("IB", Pipe(port=1), router="adt")')
    assert configuration.problems() == [
        "the connector 'Pipe' is registered by two plugins, messagefoundry-core and pipes "
        "(uninstall one of them: pip uninstall pipes)"
    ]


def test_an_error_carries_every_problem_as_a_value(configuration: Configuration) -> None:
    file = configuration.feed('inbound("IB", Pipe(port=1), router="atd")')
    with pytest.raises(ConfigurationError) as caught:
        configuration.load()
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.name) == (str(file), 5, "IB")


def test_a_handler_that_cannot_be_given_a_message(configuration: Configuration) -> None:
    configuration.feed('@handler("none")\ndef none(): ...\n\n\n@handler("two")\ndef two(msg, other): ...')
    mend = "is called with the message alone (give it exactly one parameter)"
    assert [problem.partition(": ")[2] for problem in configuration.problems()] == [
        f"none: a handler {mend}",
        f"two: a handler {mend}",
    ]


def test_a_send_that_is_dropped_is_warned_of(configuration: Configuration) -> None:
    configuration.feed('@handler("lost")\ndef lost(msg):\n    Send("OB", msg)\n    return [Send("OB", msg)]')
    said = [str(each) for each in configuration.load().warnings if "not returned" in each.text]
    file = configuration.directory / "feed.py"
    assert said == [f"{file}:7: lost: the Send at line 7 is not returned: it sends nothing (return it)"]


def test_folders_of_modules_are_warned_of(configuration: Configuration) -> None:
    configuration.feed("")
    for name in ("more", "package", "_own"):
        (configuration.directory / name).mkdir()
        (configuration.directory / name / "feed.py").write_text("")
    (configuration.directory / "package" / "__init__.py").write_text("")
    said = [each.file for each in configuration.load().warnings if "not loaded" in each.text]
    assert said == [str(configuration.directory / "more")]
