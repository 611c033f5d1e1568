"""How a reply is read."""

import pytest

from messagefoundry.message import Judgment, judge, read_acknowledgment

MSH = "MSH|^~\\&|R|F|S|G|1||ACK|9|P|2.5\r"
LONG = "0123456789ABCDEFGHIJKLMN"


@pytest.mark.parametrize(
    ("msa", "sent", "expected"),
    [
        ("MSA|AA|1", "1", Judgment.DELIVERED),
        ("MSA|CA|1", "1", Judgment.DELIVERED),
        ("MSA|AE|1", "1", Judgment.RETRY),
        ("MSA|CE|1|text", "1", Judgment.RETRY),
        ("MSA|AR|1", "1", Judgment.REJECTED),
        ("MSA|CR|1", "1", Judgment.REJECTED),
        ("MSA| AA |1", "1", Judgment.DELIVERED),
        ("MSA|AA|", "1", Judgment.DELIVERED),
        ("MSA|AA", "1", Judgment.DELIVERED),
        ("MSA|AA|2", "1", Judgment.MISMATCH),
        ("MSA|AR|2", "1", Judgment.MISMATCH),
        ("MSA|AA|01", "1", Judgment.MISMATCH),
        ("MSA|AA|1", "", Judgment.MISMATCH),
        (f"MSA|AA|{LONG}", LONG, Judgment.DELIVERED),
        (f"MSA|AA|{LONG[:20]}", LONG, Judgment.DELIVERED),
        (f"MSA|AA|{LONG[:19]}", LONG, Judgment.MISMATCH),
        (f"MSA|AA|{LONG[:21]}", LONG, Judgment.MISMATCH),
        ("MSA|AA|" + "é" * 20, "é" * 25, Judgment.DELIVERED),
        ("MSA|AA|" + "é" * 19, "é" * 25, Judgment.MISMATCH),
        ("MSA|XX|1", "1", Judgment.NOT_AN_ACK),
        ("MSA||1", "1", Judgment.NOT_AN_ACK),
        ("MSA|aa|1", "1", Judgment.NOT_AN_ACK),
        ("MSA", "1", Judgment.NOT_AN_ACK),
        ("MSA^AA^1", "1", Judgment.NOT_AN_ACK),
        ("PID|1", "1", Judgment.NOT_AN_ACK),
    ],
)
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_what_a_reply_means(msa: str, sent: str, expected: Judgment, end: str) -> None:
    reply = (MSH + msa + "\rERR|x\r").replace("\r", end).encode()
    assert judge(reply, sent.encode()) is expected


@pytest.mark.parametrize(
    "reply", [b"", b"\x06", b"OK", b"MSA|AA|1\r", b"HTTP/1.1 200 OK\r\n\r\n", "MSH|^~\\&|".encode("utf-16")]
)
def test_what_is_not_hl7(reply: bytes) -> None:
    assert judge(reply, b"1") is Judgment.NOT_AN_ACK


@pytest.mark.parametrize(
    ("nak", "code", "expected"),
    [
        ({"AE": "dead"}, "AE", Judgment.REJECTED),
        ({"AE": "dead"}, "CE", Judgment.REJECTED),
        ({"AE": "dead"}, "AR", Judgment.REJECTED),
        ({"AR": "retry"}, "AR", Judgment.RETRY),
        ({"AR": "retry"}, "CR", Judgment.RETRY),
        ({"AR": "retry"}, "AE", Judgment.RETRY),
        ({"AE": "dead"}, "AA", Judgment.DELIVERED),
    ],
)
def test_an_outbound_may_judge_otherwise(nak: dict[str, str], code: str, expected: Judgment) -> None:
    assert judge(f"{MSH}MSA|{code}|1\r".encode(), b"1", nak=nak) is expected


def test_what_an_acknowledgment_says_and_shows() -> None:
    found = read_acknowledgment("\ufeffMSH:^~\\&:R\nMSA:AE:A:SECRET\n".encode())
    assert found is not None
    assert (found.code, found.control_id, found.text, found.accepts) == ("AE", b"A", b"SECRET", False)
    assert repr(found) == f"{found}" == "<Acknowledgment AE>"
