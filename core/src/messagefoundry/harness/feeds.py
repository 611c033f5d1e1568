"""The configurations to measure, as the Python text that an author would write."""

from collections.abc import Sequence
from dataclasses import dataclass

RECEIVER = "DOWNSTREAM"
"""MSH-5 as the Handler sets it: proof that it ran"""

BURN_SECONDS = 2.0

_IMPORTS = "from messagefoundry import MLLP, Send, handler, inbound, outbound, router\n"
_IMPORT_DEDUPE = "from messagefoundry import Dedupe\n"
_DEDUPE = ", dedupe=Dedupe(window_seconds=3600)"

_FEED = """
inbound("IB_BENCH", MLLP(port={port}), router="to_bench"{dedupe})
{outbounds}

@router("to_bench")
def to_bench(msg):
    return "bench"


@handler("bench")
def bench(msg):
    msg["MSH-5"] = "{receiver}"
{slow}    return {sends}
"""
_SLOW = """    until = time.thread_time() + {seconds}
    while time.thread_time() < until:
        pass
"""
_OUTBOUND = 'outbound("{name}", MLLP(host="127.0.0.1", port={port}))\n'

_PAIRS = """

def pair(number, port):
    inbound(f"IB_{{number}}", MLLP(port=port), router=f"to_{{number}}")
    outbound(f"OB_{{number}}", MLLP(host="127.0.0.1", port={sink}))

    @router(f"to_{{number}}")
    def to_handler(msg):
        return f"handle_{{number}}"

    @handler(f"handle_{{number}}")
    def handle(msg):
        msg["MSH-5"] = "{receiver}"
        return Send(f"OB_{{number}}", msg)


for number, port in enumerate({ports}, 1):
    pair(number, port)
"""

_BURNING = """

inbound("IB_BURN", MLLP(port={port}), router="to_burn")


@router("to_burn")
def to_burn(msg):
    return "burn"


@handler("burn")
def burn(msg):
    until = time.monotonic() + {seconds}
    while time.monotonic() < until:
        pass
"""


@dataclass(frozen=True, slots=True)
class Feed:
    """What is built: pairs of inbound and outbound with a Handler between, or one inbound to several outbounds.

    All outbounds of pairs deliver to one sink port; those of a fan-out each have their own.
    """

    pairs: int = 1
    fanout: int = 1
    burning: bool = False
    """another inbound whose Handler keeps a core busy for two seconds a message"""
    slow_seconds: float = 0.0
    """so much processor time the Handler of a fan-out uses for every message"""
    dedupe: bool = False
    """the one inbound tells repeats"""

    @property
    def inbounds(self) -> int:
        """Return how many ports it receives on, that of the burning Handler last."""
        return self.pairs + self.burning

    def configuration(self, ports: Sequence[int], sinks: Sequence[int]) -> str:
        """Return the text of the one configuration file."""
        slow = _SLOW.format(seconds=self.slow_seconds) if self.slow_seconds else ""
        text = _pairs(ports[: self.pairs], sinks[0]) if self.pairs > 1 else self._one(ports[0], sinks, slow)
        clock = "import time\n\n" if self.burning or slow else ""
        burning = _BURNING.format(port=ports[-1], seconds=BURN_SECONDS) if self.burning else ""
        return clock + (_IMPORT_DEDUPE if self.dedupe else "") + _IMPORTS + text + burning

    def _one(self, port: int, sinks: Sequence[int], slow: str) -> str:
        names = ["OB_BENCH"] if len(sinks) == 1 else [f"OB_BENCH_{number}" for number in range(1, len(sinks) + 1)]
        sends = [f'Send("{name}", msg)' for name in names]
        return _FEED.format(
            port=port,
            dedupe=_DEDUPE if self.dedupe else "",
            receiver=RECEIVER,
            slow=slow,
            outbounds="".join(_OUTBOUND.format(name=name, port=sink) for name, sink in zip(names, sinks, strict=True)),
            sends=sends[0] if len(sends) == 1 else f"[{', '.join(sends)}]",
        )


def _pairs(ports: Sequence[int], sink: int) -> str:
    return _PAIRS.format(sink=sink, receiver=RECEIVER, ports=list(ports))
