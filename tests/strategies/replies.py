"""What partners answer: acknowledgments of this message and of others, and what is none."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies.hl7 import garbage

CODES = ["AA", "AE", "AR", "CA", "CE", "CR"]
IDS = [b"", b"1", b"2", b"A" * 20, b"A" * 20 + b"B", b"A" * 21, "é".encode() * 15, b"x|y", b" 1"]

control_ids = st.sampled_from(IDS) | st.binary(max_size=25)


@st.composite
def acknowledgments(draw: st.DrawFn) -> bytes:
    """Replies with MSA, of which some parts may be odd."""
    end = draw(st.sampled_from([b"\r", b"\n", b"\r\n"]))
    code = draw(st.sampled_from([*CODES, "aa", " AA ", "", "ZZ", "AAA"])).encode()
    msa = b"|".join([b"MSA", code, draw(control_ids), *draw(st.lists(st.binary(max_size=6), max_size=2))])
    between = draw(st.lists(st.sampled_from([b"SFT|1", b"", b"MSA", b"MSAX|AA|1", b"ERR|1"]), max_size=2))
    head = b"MSH|^~\\&|C|D|A|B|1||ACK|9|P|2.5.1"
    return end.join([head, *between, msa, *draw(st.lists(st.just(b"ERR||||E"), max_size=1))]) + end


replies = acknowledgments() | garbage
