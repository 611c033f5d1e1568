"""One file for each batch."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts import Delivered, OutboundBatch, OutboundItem, Rejected, Unreachable
from messagefoundry.message import build_batch
from tests.file.context import every_file, item, visible, writing

if TYPE_CHECKING:
    from pathlib import Path


def adt(control_id: str) -> bytes:
    return f"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|{control_id}|P|2.5.1\rPID|1||X\r".encode()


def batch(*control_ids: str, number: int = 77) -> OutboundBatch:
    members = tuple(OutboundItem(20 + place, 10 + place, adt(each), 1) for place, each in enumerate(control_ids))
    return OutboundBatch(b"%d" % number, b"20260102", members)


def content(sent: OutboundBatch) -> bytes:
    return build_batch([each.payload for each in sent.members], control_id=sent.control_id, created=sent.created)


async def test_a_batch_is_one_file_named_after_its_first_message(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        outcomes = await destination.send_batch(batch("M1", "M2"))
    assert [type(each) for each in outcomes] == [Delivered, Delivered]
    assert {each.note for each in outcomes if isinstance(each, Delivered)} == {"written as M1.hl7"}
    assert every_file(tmp_path) == ["M1.hl7"]
    assert (tmp_path / "M1.hl7").read_bytes() == content(batch("M1", "M2"))


async def test_the_same_batch_again_is_delivered_and_no_second_file(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        await destination.send_batch(batch("M1", "M2"))
        again = await destination.send_batch(batch("M1", "M2"))
    assert {each.note for each in again if isinstance(each, Delivered)} == {"already there as M1.hl7"}
    assert every_file(tmp_path) == ["M1.hl7"]


async def test_a_batch_that_is_formed_anew_always_finds_a_name(tmp_path: Path) -> None:
    """As after crashes, in which its BHS-11 and its members have changed."""
    async with writing(tmp_path) as destination:
        for number in (101, 102, 103, 104):
            outcomes = await destination.send_batch(batch("M1", "M2", number=number))
            assert not any(isinstance(each, Rejected) for each in outcomes)
    assert visible(tmp_path) == ["M1-10-103.hl7", "M1-10-104.hl7", "M1-10.hl7", "M1.hl7"]


async def test_a_batch_is_compressed_as_a_whole(tmp_path: Path) -> None:
    async with writing(tmp_path, filename="{MSH-4}.gz", compress="gzip") as destination:
        await destination.send_batch(batch("M1", "M2"))
    assert gzip.decompress((tmp_path / "B.gz").read_bytes()) == content(batch("M1", "M2"))


async def test_batches_and_single_messages_share_the_folder(tmp_path: Path) -> None:
    async with writing(tmp_path) as destination:
        await destination.send_batch(batch("M1", "M2"))
        await destination.send(item(adt("M3")))
    assert visible(tmp_path) == ["M1.hl7", "M3.hl7"]


async def test_a_folder_that_went_away_takes_no_member(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    async with writing(folder) as destination:
        folder.rmdir()
        with pytest.raises(Unreachable, match="does not exist"):
            await destination.send_batch(batch("M1", "M2"))
