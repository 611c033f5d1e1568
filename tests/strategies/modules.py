"""Configuration directories: modules of declarations that are right, nearly right, wrong, or no Python at all.

What is generated is run: no statement of it reaches beyond its own module.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st

from tests.strategies.settings import SECRET

IMPORTS = """\
from messagefoundry import *
from messagefoundry import env, current_environment, MLLP, Tcp, File
from tests.wiring.pipes import Drop, Fetch, Pipe, Quux
from messagefoundry.contracts import transport
"""

NAMES = ["IB", "OB", "OB2", "route", "pass", "adt"]
ODD_VALUES = [
    *(
        "None",
        "True",
        "0",
        "-1",
        "2575",
        "70000",
        "1e400",
        "float('nan')",
        "10**5000",
        "''",
        "' '",
        "'x' * 300",
        "b'x'",
    ),
    *(
        "'a\\nb'",
        "'\\0'",
        "'\\udcff'",
        "'é'",
        "[]",
        "[1]",
        "{}",
        "{1: 2}",
        "{'a': {1}}",
        "()",
        "...",
        "object()",
        "int",
    ),
    *("env('a')", "env('b', cast=int)", "env('c', default=7)", "[env('a')]", "{'x': env('nope')}", "env('BAD')"),
    *(
        "env(3)",
        "env('a', cast=list)",
        "(env('a'), 1)",
        "type",
        "lambda msg: msg",
        "RetryPolicy()",
        "env('a', default=[])",
    ),
    *("RetryPolicy(max_attempts=2)", "BuildupThreshold()", "['10.0.0.0/8']", "'10.1.2.3/8'", "'127.0.0.1'", "'fifo'"),
    *(
        "OrderingMode.FIFO",
        "AckMode.NONE",
        "ContentType.JSON",
        "'x12'",
        "'retry'",
        "{'AE': 'dead'}",
        "{'AE': env('a')}",
    ),
]
NAMES_AS_TEXT = [repr(name) for name in NAMES]
values = st.sampled_from(ODD_VALUES) | st.sampled_from(NAMES_AS_TEXT)
"""Expressions that names and options are given."""
SECRETS = [repr(SECRET), f"env('d', default={SECRET!r})", f"[{SECRET!r}]", f"{{'x': {SECRET!r}}}"]
SHOWN = {"router", "reply_from", "routr", "name", "bind_address", "source_ip_allowlist"}
"""Options of which what is said names the value: a name, an address."""

OPTIONS = [
    *(
        "router",
        "ack_mode",
        "ack_after",
        "strict",
        "content_type",
        "auto_start",
        "deployed",
        "metadata",
        "bind_address",
    ),
    *(
        "source_ip_allowlist",
        "max_message_bytes",
        "retry",
        "ordering",
        "internal_error",
        "buildup",
        "simulate",
        "batch",
    ),
    *("schedule", "messages_days", "routr", "name", "spec", "dedupe", "flagged", "stall"),
]
CONNECTOR_OPTIONS = [
    *("host", "port", "encoding", "max_connections", "receive_timeout", "max_frame_bytes", "persistent", "tls", "nak"),
    *("tls_cert_file", "tls_key_file", "tls_ca_file", "no_ack", "encoding_characters", "reply_from", "message_burst"),
    *("max_messages_per_second", "framing", "start", "end", "trailer", "expect_reply", "capture_response", "prot"),
    *("directory", "pattern", "filename", "poll_seconds", "after_read", "move_to", "folder", "password", "mode"),
]
CONNECTORS = ["MLLP", "Tcp", "File", "Pipe", "Drop", "Fetch", "Quux", "transport('Lost', dict)", "transport('', int)"]


def keywords(options: list[str]) -> st.SearchStrategy[str]:
    """A few keywords with values; the port and the Router are nearly always there and right."""
    shown = st.tuples(st.sampled_from(options), values)
    secret = st.tuples(st.sampled_from([name for name in options if name not in SHOWN]), st.sampled_from(SECRETS))
    odd = st.lists(shown | secret, max_size=3).map(dict)
    usual = {
        "port": "2575",
        "router": "'route'",
        "host": "'lab'",
        "directory": "'in'",
        "folder": "'in'",
        "password": "'x'",
    }
    kept = {name: value for name, value in usual.items() if name in options}
    right = st.fixed_dictionaries({}, optional={name: st.just(value) for name, value in kept.items()})
    return st.builds(
        lambda most, some: ", ".join(f"{key}={value}" for key, value in {**most, **some}.items()), right, odd
    )


connectors = st.one_of(
    st.builds("{}({})".format, st.sampled_from(CONNECTORS), keywords(CONNECTOR_OPTIONS)),
    st.sampled_from(["MLLP(port=2575)", "Pipe(port=1)", "File(directory='in')", "MLLP(host='lab', port=2576)"]),
    st.builds("{}({})".format, st.sampled_from(CONNECTORS), values),
    values,
)
inbounds = st.builds("inbound({}, {}, {})".format, values, connectors, keywords(OPTIONS))
outbounds = st.builds("outbound({}, {}, {})".format, values, connectors, keywords(OPTIONS))
decorators = st.builds("@{}({})".format, st.sampled_from(["router", "handler"]), values) | st.sampled_from(
    ["@router", "@handler('pass', accepts=3)", "@handler('pass', accepts=env('a'))", "@router('route', x=1)"]
)
bodies = st.sampled_from(
    [
        "return 'pass'",
        "return ['pass', 'nowhere']",
        "return Send('OB', msg)",
        "Send('OB', msg)",
        "yield Send('OB', msg)",
        "return Send(env('a'), msg) if msg else None",
        "return [Send(x, msg) for x in ('OB', 'OB2')]",
        "return None",
        "'''\n    unusual\n    '''\n    return {'pass'} or ('é', *[])",
        "def inner(): return 'x'\n    return inner()",
        "return (lambda: 'pass')()",
        "return \\\n  'pass'",
    ]
)
parameters = st.sampled_from(["msg", "msg", "msg", "", "a, b", "*args", "**kwargs", "msg=None", "msg, /", "*, msg"])
functions = st.builds(
    "{}\n{} f({}):\n    {}\n".format, decorators, st.sampled_from(["def", "def", "async def"]), parameters, bodies
)
oddities = st.sampled_from(
    [
        "raise ValueError('a\\nb')",
        "raise SystemExit(3)",
        "raise Exception",
        "raise ExceptionGroup('several', [ValueError('x')])",
        "class Odd(Exception):\n    def __str__(self): raise RuntimeError('no text')\nraise Odd",
        "import nowhere",
        "import one",
        "from two import *",
        "from one import missing",
        "from messagefoundry import Sftp",
        "from messagefoundry import inbond",
        "from . import one",
        "import messagefoundry_x12",
        "env('a') + 1",
        "str(env('a'))",
        "if env('a'): pass",
        "current_environment()",
        "handler('pass')(3)",
        "handler('pass')(int)",
        "handler('pass')(lambda msg: Send('OB', msg))",
        "router('route')(lambda msg: 'pass')",
        "router('route')(type('F', (), {'__call__': lambda self, msg: 'pass'})())",
        "exec('@router(\"made\")\\ndef f(msg): return 1')",
        "inbound()",
        "inbound(*range(9))",
        "outbound(**{'name': 'OB', 'é': 1})",
        "[inbound(f'IB{n}', Pipe(port=n), router='route') for n in range(3)]",
        "def f(): f()\nf()",
        "x = '\x00'",
        "\tx = 1",
        "def (",
        "x = (" * 200,
        "-" * 3000 + "1",
        "1" * 5000,
        "'\\N{no such}'",
        "# -*- coding: no-such -*-",
        "del inbound",
        "inbound = 3",
        "raise KeyboardInterrupt" if False else "pass",
        "import sys; sys.modules['one'] = None",
    ]
)
statements = st.one_of(inbounds, outbounds, functions, oddities)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A module, of which some characters may be missing, or stand twice."""
    text = IMPORTS + "\n".join([*draw(st.lists(statements, max_size=6)), ""])
    if draw(st.integers(0, 3)) == 0:
        begin = draw(st.integers(len(IMPORTS), len(text)))
        end = min(len(text), begin + draw(st.integers(0, 8)))
        text = text[:begin] + draw(st.sampled_from(["", text[begin:end] * 2, "(", "\n", "'", "=", ","])) + text[end:]
    return text


contents = st.builds(lambda text: text.encode("utf-8", "surrogateescape"), sources()) | st.sampled_from(
    [b"", b"\xff\xfe", b"\0", b"\xef\xbb\xbfx = 1\n", b"# coding: utf-16\n", b"import one, two\r\n"]
)
file_names = st.sampled_from(
    [
        *(
            "one.py",
            "two.py",
            "_hidden.py",
            "class.py",
            "1.py",
            "a b.py",
            "é.py",
            "a.b.py",
            ".py",
            "json.py",
            "notes.txt",
        ),
        *("\udcff.py", "pkg/__init__.py", "pkg/inner.py", "loose/one.py", "one/__init__.py", "messagefoundry.py"),
    ]
)
directories = st.dictionaries(file_names, contents, max_size=3).map(
    lambda files: {name: each for name, each in files.items() if not _clashes(name, files)}
)
"""What files a directory has, by name, and their bytes."""


def _clashes(name: str, files: dict[str, bytes]) -> bool:
    return any(re.match(rf"{re.escape(name)}/", other) for other in files)


environments = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.sampled_from([1, "2575", "x", "route", True, 1.5, ["y"], ""]), max_size=3
)
"""Values behind env()."""
