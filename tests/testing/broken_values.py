"""Codecs, alert sinks and ciphers that break the contract, each in one way; as broken_stores.py."""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from messagefoundry.codecs.hl7v2 import Hl7v2Codec
from messagefoundry.contracts.ciphers import PLAIN, UnreadableValue
from messagefoundry.contracts.errors import Refused
from messagefoundry.message import Message, Refusal, RefusalKind
from messagefoundry.testing import (
    AlertSinkConformance,
    AlertSinkSubject,
    CipherConformance,
    CipherSubject,
    CodecConformance,
)
from tests.testing.test_values import Hl7v2, Toy
from tests.testing.virtual import virtually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from messagefoundry.contracts.alerts import Alert
    from messagefoundry.contracts.codecs import Summary


class CodecVariant(CodecConformance):
    codec: ClassVar[type[Hl7v2Codec]] = Hl7v2Codec
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> Hl7v2:
        subject = Hl7v2()
        subject.codec = self.codec()
        return subject


class Raising(Hl7v2Codec):
    """Lets its parser's own error out."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        raw.decode(encoding)
        return super().summarize(raw, encoding=encoding)


class TestRaisesItsOwnErrors(CodecVariant):
    codec = Raising
    caught_by: ClassVar = {
        "test_a_refusal_says_nothing_of_the_content",
        "test_a_summary_may_be_shown",
        "test_accepted_messages_are_acknowledged_so",
        "test_answers_say_nothing_of_the_content",
        "test_is_pure",
        "test_no_acknowledgments_means_none",
        "test_parses_what_it_takes",
        "test_refused_messages_are_never_acknowledged_as_accepted",
        "test_refuses_bad_messages",
        "test_refuses_with_refused_alone",
        "test_takes_good_messages",
    }


class Chaining(Hl7v2Codec):
    """Keeps the parser's error, which quotes the message, as the cause."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        try:
            return super().summarize(raw, encoding=encoding)
        except Refused as refused:
            raise Refused(refused.refusal, refused.summary) from ValueError(raw)


class TestKeepsTheCause(CodecVariant):
    codec = Chaining
    caught_by: ClassVar = {
        "test_a_refusal_says_nothing_of_the_content",
    }


class Friendly(Hl7v2Codec):
    """Says AA whatever happened."""

    def acknowledge(
        self, raw: bytes, summary: Summary | None, refusal: Refusal | None, *args: Any, **named: Any
    ) -> Any:
        return super().acknowledge(raw, summary, None, *args, **named)


class TestAcceptsEverything(CodecVariant):
    codec = Friendly
    caught_by: ClassVar = {
        "test_refused_messages_are_never_acknowledged_as_accepted",
        "test_what_cannot_be_read_is_answered",
    }


class Verbose(Hl7v2Codec):
    """Shows the whole message in the answer."""

    def acknowledge(
        self, raw: bytes, summary: Summary | None, refusal: Refusal | None, *args: Any, **named: Any
    ) -> Any:
        code, reply = super().acknowledge(raw, summary, refusal, *args, **named)
        return code, None if reply is None else reply + raw


class TestAnswersWithTheContent(CodecVariant):
    codec = Verbose
    caught_by: ClassVar = {
        "test_answers_say_nothing_of_the_content",
    }


class Shown(Hl7v2Codec):
    """Takes the whole message for its control id."""

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        return super().summarize(raw, encoding=encoding)._replace(control_id=raw.decode("latin-1"))


class TestShowsTheContent(CodecVariant):
    codec = Shown
    caught_by: ClassVar = {
        "test_a_summary_may_be_shown",
    }


class Normal(Hl7v2Codec):
    """Normalises what it parses."""

    def parse(self, raw: bytes, *, encoding: str) -> Message:
        return super().parse(raw.replace(b"\r\n", b"\r"), encoding=encoding)


class TestChangesUneditedMessages(CodecVariant):
    codec = Normal
    caught_by: ClassVar = {
        "test_a_copy_is_independent",
        "test_an_unedited_message_keeps_its_bytes",
    }


class SelfCopied(Message):
    """A message whose copy is itself."""

    def copy(self) -> SelfCopied:
        return self


class Sharing(Hl7v2Codec):
    def parse(self, raw: bytes, *, encoding: str) -> Message:
        return SelfCopied(raw, encoding=encoding)


class TestSharesOneMessage(CodecVariant):
    codec = Sharing
    caught_by: ClassVar = {
        "test_a_copy_is_independent",
    }


class Choosy(Hl7v2Codec):
    """Refuses what it has seen before."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def summarize(self, raw: bytes, *, encoding: str) -> Summary:
        summary = super().summarize(raw, encoding=encoding)
        if raw in self._seen:
            raise Refused(Refusal(RefusalKind.INTERNAL), summary)
        self._seen.add(raw)
        return summary


class TestRemembers(CodecVariant):
    codec = Choosy
    caught_by: ClassVar = {
        "test_answers_say_nothing_of_the_content",
        "test_is_pure",
        "test_no_acknowledgments_means_none",
        "test_refused_messages_are_never_acknowledged_as_accepted",
    }


class Place(AlertSinkSubject):
    """A list that can be away, and does not answer then."""

    def __init__(self, make: type[Sink]) -> None:
        self._make = make
        self.texts: list[str] = []
        self.there = True

    def sink(self) -> Sink:
        return self._make(self)

    async def arrived(self) -> list[str]:
        return self.texts

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        self.there = False
        yield
        self.there = True


class Sink:
    """Keeps every clause."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def send(self, alert: Alert) -> None:
        await trio.lowlevel.checkpoint()
        if not self.place.there:
            await trio.sleep_forever()
        self.place.texts.append(self.text(alert))

    def text(self, alert: Alert) -> str:
        return f"{alert.kind} {alert.connection} {alert.detail}"


class SinkVariant(AlertSinkConformance):
    pytestmark = pytest.mark.trio(run=virtually)
    make: ClassVar[type[Sink]] = Sink
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> Place:
        return Place(self.make)


class TestASoundSink(SinkVariant):
    caught_by: ClassVar = set()


class Buffering(Sink):
    """Keeps warnings until there is something worse, and waits for ever while its place is away."""

    async def send(self, alert: Alert) -> None:
        with trio.CancelScope(shield=True), trio.move_on_after(1.2):
            if alert.severity in ("critical", "warning", "info") or not self.place.there:
                await super().send(alert)
            if len(self.place.texts) == 1:
                self.place.texts.clear()


class TestKeepsAlertsBack(SinkVariant):
    make = Buffering
    caught_by: ClassVar = {
        "test_has_sent_when_it_returns",
        "test_lets_itself_be_cancelled",
        "test_sends_again_after_a_failure",
        "test_sends_any_severity",
        "test_sends_each_alert_in_order",
        "test_takes_any_text",
        "test_tells_what_where_and_why",
    }


class Terse(Sink):
    def text(self, alert: Alert) -> str:
        return f"{alert.kind}: {alert.detail}"


class TestLeavesTheConnectionOut(SinkVariant):
    make = Terse
    caught_by: ClassVar = {
        "test_tells_what_where_and_why",
    }


class Formatting(Sink):
    def text(self, alert: Alert) -> str:
        return f"{alert.kind} {alert.connection} {alert.detail}" % ()


class TestFormatsDetails(SinkVariant):
    make = Formatting
    caught_by: ClassVar = {
        "test_takes_any_text",
    }


class Calm(Sink):
    """Does not send the same twice."""

    async def send(self, alert: Alert) -> None:
        if self.text(alert) not in self.place.texts:
            await super().send(alert)


class TestHoldsRepeatsBack(SinkVariant):
    make = Calm
    caught_by: ClassVar = {
        "test_sends_each_alert_in_order",
    }


class Broken(Sink):
    """Never comes back after a failure."""

    failed = False

    async def send(self, alert: Alert) -> None:
        if self.failed:
            return
        self.failed = True
        await super().send(alert)
        self.failed = False


class TestGivesUp(SinkVariant):
    make = Broken
    caught_by: ClassVar = {
        "test_sends_again_after_a_failure",
    }


class CipherVariant(CipherConformance):
    make: ClassVar[type[Toy]] = Toy
    caught_by: ClassVar[set[str]] = set()

    @pytest.fixture
    def subject(self) -> CipherSubject:
        return Ciphers(self.make)


class Ciphers(CipherSubject):
    def __init__(self, make: type[Toy]) -> None:
        self._make = make

    def cipher(self) -> Toy:
        return self._make(b"key")

    def stranger(self) -> Toy:
        return self._make(b"another")


class Unbound(Toy):
    """Envelopes can be moved from row to row."""

    def _tag(self, content: bytes, kind: str, identity: int) -> bytes:
        return super()._tag(content, "", 0)


class TestBindsToNoRow(CipherVariant):
    make = Unbound
    caught_by: ClassVar = {
        "test_an_envelope_belongs_to_its_row",
    }


class Padded(Toy):
    """Cannot tell a value from its padding, and has no mark of its own; it shares one buffer between threads."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        return super().seal(plain.ljust(16), kind, identity)[1:]

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        return super().open(b"\x01" + sealed, kind, identity).rstrip()


class TestAddsPadding(CipherVariant):
    make = Padded
    caught_by: ClassVar = {
        "test_every_envelope_names_its_form",
        "test_opens_what_it_sealed",
    }


class Shared(Toy):
    """Keeps the value under way in one place."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        self._plain = plain
        time.sleep(0.0001)
        return super().seal(self._plain, kind, identity)


class TestBelongsToOneThread(CipherVariant):
    make = Shared
    caught_by: ClassVar = {
        "test_works_from_several_threads",
    }


class Clear(Toy):
    """Signs without hiding, under the mark of the plain form."""

    def _mixed(self, text: bytes, nonce: bytes) -> bytes:
        return text

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        content = PLAIN + secrets.token_bytes(16) + plain
        return content + self._tag(content, kind, identity)


class TestHidesNothing(CipherVariant):
    make = Clear
    caught_by: ClassVar = {
        "test_nothing_lies_open",
    }


class Repeating(Toy):
    """Uses one nonce for ever."""

    def seal(self, plain: bytes, kind: str, identity: int) -> bytes:
        content = b"\x01" + bytes(16) + self._mixed(plain, bytes(16))
        return content + self._tag(content, kind, identity)


class TestUsesOneNonce(CipherVariant):
    make = Repeating
    caught_by: ClassVar = {
        "test_no_two_envelopes_are_alike",
    }


class Trusting(Toy):
    """Opens whatever it is given."""

    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        return self._mixed(sealed[17:-32], sealed[1:17])


class TestAuthenticatesNothing(CipherVariant):
    make = Trusting
    caught_by: ClassVar = {
        "test_a_changed_envelope_is_not_opened",
        "test_a_cut_envelope_is_not_opened",
        "test_an_envelope_belongs_to_its_row",
        "test_an_unreadable_value_names_its_row",
        "test_another_key_opens_nothing",
        "test_what_is_no_envelope_is_not_opened",
    }


class Session(Toy):
    """Has a key of its own in every process."""

    def __init__(self, key: bytes) -> None:
        super().__init__(secrets.token_bytes(16))


class TestForgetsItsKey(CipherVariant):
    make = Session
    caught_by: ClassVar = {
        "test_opens_what_was_sealed_before_a_restart",
    }


class Quoting(Toy):
    def open(self, sealed: bytes, kind: str, identity: int) -> bytes:
        try:
            return super().open(sealed, kind, identity)
        except UnreadableValue:
            raise UnreadableValue(f"{kind} {identity}: {sealed!r} cannot be opened") from None


class TestQuotesTheEnvelope(CipherVariant):
    make = Quoting
    caught_by: ClassVar = {
        "test_an_unreadable_value_names_its_row",
    }
