"""What sends batches, and what takes them apart, keeps the clauses for batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from messagefoundry.codecs.hl7v2 import HL7V2
from messagefoundry.message import build_batch
from messagefoundry.testing import BatchCodecConformance, BatchCodecSubject, BatchConformance
from tests.testing.batching import FileBatches, MemoryBatches, MLLPBatches, MLLPFrames, adt

if TYPE_CHECKING:
    from pathlib import Path


class TestMLLPBatches(BatchConformance):
    @pytest.fixture
    def subject(self) -> MLLPBatches:
        return MLLPBatches()


class TestMLLPFrames(BatchConformance):
    @pytest.fixture
    def subject(self) -> MLLPFrames:
        return MLLPFrames()


class TestMemoryBatches(BatchConformance):
    @pytest.fixture
    def subject(self) -> MemoryBatches:
        return MemoryBatches()


_NO_ANSWER = "a folder answers nothing: a batch is delivered when its file is on the disk under its name"


class TestFileBatches(BatchConformance):
    not_applicable: ClassVar = {
        "test_a_batch_waits_for_the_answer": _NO_ANSWER,
        "test_each_member_has_its_own_outcome": _NO_ANSWER,
        "test_a_member_that_the_answer_leaves_out_is_unanswered": _NO_ANSWER,
        "test_goes_on_after_a_refused_member": _NO_ANSWER,
        "test_silence_closes_the_connection": _NO_ANSWER,
        "test_leaving_during_a_batch_is_unreachable": _NO_ANSWER,
        "test_tries_a_batch_again": _NO_ANSWER,
        "test_a_late_answer_to_a_batch_never_meets_the_next": _NO_ANSWER,
        "test_a_late_answer_to_a_batch_never_meets_an_item": _NO_ANSWER,
        "test_the_answer_to_a_cancelled_batch_never_meets_the_next": _NO_ANSWER,
        "test_a_cancelled_batch_closes_the_connection": "a write of one file is not interrupted",
        "test_the_failure_of_a_batch_says_nothing_of_the_content": _NO_ANSWER,
    }

    @pytest.fixture
    def subject(self, tmp_path: Path) -> FileBatches:
        return FileBatches(tmp_path)


A, B = adt("SECRETNAME A"), adt("SECRETNAME B")
UNENDED = B.removesuffix(b"\r")


class Hl7v2Batches(BatchCodecSubject):
    codec = HL7V2
    batches = (
        (build_batch([A, B], control_id=b"7", created=b"20260101"), (A, B)),
        (b"FHS|^~\\&|A\rBHS|^~\\&|A|||||||||7\r" + A + B + b"BTS|2\rFTS|1\r", (A, B)),
        (A.replace(b"\r", b"\r\n") + UNENDED, (A.replace(b"\r", b"\r\n"), UNENDED)),
        (b"BHS|^~\\&|A\r" + A, (A,)),
        (b"BHS|^~\\&|A\rBTS|0\r", ()),
    )
    bad_batches = (
        b"BHS|^~\\&|A\r" + A + B + b"BTS|3\r",
        b"BHS|^~\\&|A\rPID|1||77||SECRETNAME\r" + A,
        b"BHS|^~\\&|A\r" + A + b"BTS|1\rPID|1||77||SECRETNAME\r",
        b"BHS|^~\\&|A||||20260101||||SECRETNAME\rBTS|one\r",
    )


class TestHl7v2Batches(BatchCodecConformance):
    @pytest.fixture
    def subject(self) -> Hl7v2Batches:
        return Hl7v2Batches()
