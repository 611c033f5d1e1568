"""Pure values of the engine: the HL7 v2 model, raw messages and acknowledgments. No input, no output, no threads."""

from .access import Access
from .acknowledge import (
    ACCEPTED,
    Accepted,
    AcknowledgmentMode,
    ErrorLocation,
    Refusal,
    RefusalKind,
    Verdict,
    acknowledge,
    acknowledge_delivery,
)
from .batch import first_message, is_batch
from .batch_acknowledge import acknowledge_batch
from .batch_building import build_batch, fits_batch
from .batch_reply import BatchReply, MemberJudgment, judge_members, read_batch_reply
from .batch_split import Batch, BatchError, split_batch
from .charsets import codec_for
from .delimiters import DEFAULT, Delimiters
from .difference import FieldChange, diff
from .errors import (
    BodyError,
    CharsetError,
    DecodeError,
    EditError,
    EncodeError,
    HeaderError,
    MessageError,
    MissingSegmentError,
    PathError,
    UnreadableError,
)
from .groups import Group
from .header import Header, control_id_of, for_log, peek
from .message import Message
from .paths import Path, parse_path
from .rawmessage import RawMessage
from .reply import Acknowledgment, Judgment, judge, read_acknowledgment

__all__ = [
    "ACCEPTED",
    "DEFAULT",
    "Accepted",
    "Access",
    "Acknowledgment",
    "AcknowledgmentMode",
    "Batch",
    "BatchError",
    "BatchReply",
    "BodyError",
    "CharsetError",
    "DecodeError",
    "Delimiters",
    "EditError",
    "EncodeError",
    "ErrorLocation",
    "FieldChange",
    "Group",
    "Header",
    "HeaderError",
    "Judgment",
    "MemberJudgment",
    "Message",
    "MessageError",
    "MissingSegmentError",
    "Path",
    "PathError",
    "RawMessage",
    "Refusal",
    "RefusalKind",
    "UnreadableError",
    "Verdict",
    "acknowledge",
    "acknowledge_batch",
    "acknowledge_delivery",
    "build_batch",
    "codec_for",
    "control_id_of",
    "diff",
    "first_message",
    "fits_batch",
    "for_log",
    "is_batch",
    "judge",
    "judge_members",
    "parse_path",
    "peek",
    "read_acknowledgment",
    "read_batch_reply",
    "split_batch",
]
