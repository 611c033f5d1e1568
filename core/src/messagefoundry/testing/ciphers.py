"""The kit for ciphers, which key providers make.

class TestMyCipher(CipherConformance):
    @pytest.fixture
    def subject(self) -> MySubject: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from messagefoundry.contracts.ciphers import PLAIN, UnreadableValue
from messagefoundry.testing.conformance import Conformance, clause

if TYPE_CHECKING:
    from messagefoundry.contracts.ciphers import Cipher

KINDS = ("body", "reply", "error", "reason")
VALUES = (b"", b"\x00", b" padded ", b"SECRETNAME", bytes(range(256)), PLAIN + b"SECRETNAME", b"x" * 1_000_000)
SECRET = b"SECRETNAME SECRETNAME SECRETNAME"


class CipherSubject(ABC):
    """A cipher, and one that does not have its key."""

    @abstractmethod
    def cipher(self) -> Cipher:
        """A new cipher with the same key each time, as after a restart."""

    @abstractmethod
    def stranger(self) -> Cipher:
        """A cipher of the same make with another key."""


class CipherConformance(Conformance):
    """What the engine relies on in a cipher."""

    kind = "cipher"

    @pytest.fixture
    def subject(self) -> CipherSubject:
        """Your cipher: override this."""
        pytest.fail("the kit needs a fixture `subject` that gives a CipherSubject", pytrace=False)

    @clause
    @pytest.mark.parametrize("kind", KINDS)
    def test_opens_what_it_sealed(self, subject: CipherSubject, kind: str) -> None:
        """Bytes of any value and length come back as they were, for every kind of value."""
        cipher = subject.cipher()
        for identity, plain in enumerate(VALUES, 1 << 62):
            same = cipher.open(cipher.seal(plain, kind, identity), kind, identity) == plain
            assert same, f"a value of {len(plain)} bytes came back changed"

    @clause
    def test_opens_what_was_sealed_before_a_restart(self, subject: CipherSubject) -> None:
        """A new cipher with the same key opens what an earlier one sealed."""
        sealed = subject.cipher().seal(SECRET, "body", 7)
        assert subject.cipher().open(sealed, "body", 7) == SECRET

    @clause
    def test_every_envelope_names_its_form(self, subject: CipherSubject) -> None:
        """An envelope begins with one byte that names its form, the same for all of a cipher; never nothing."""
        cipher = subject.cipher()
        assert len({cipher.seal(plain, "body", 7)[:1] for plain in VALUES} - {b""}) == 1

    @clause
    def test_nothing_lies_open(self, subject: CipherSubject) -> None:
        """Nothing of the plain value is in its envelope, and the form is not the plain one's."""
        sealed = subject.cipher().seal(SECRET, "body", 7)
        assert b"SECRET" not in sealed
        assert sealed[:1] != PLAIN

    @clause
    def test_no_two_envelopes_are_alike(self, subject: CipherSubject) -> None:
        """The same value sealed twice for one row gives two envelopes, so that equal values cannot be told."""
        cipher = subject.cipher()
        assert len({cipher.seal(SECRET, "body", 7) for _ in range(10)}) == 10

    @clause
    def test_an_envelope_belongs_to_its_row(self, subject: CipherSubject) -> None:
        """An envelope that was moved to another row, or another column, raises UnreadableValue."""
        cipher = subject.cipher()
        sealed = cipher.seal(SECRET, "body", 7)
        for kind, identity in (("body", 8), ("reply", 7)):
            with pytest.raises(UnreadableValue):
                cipher.open(sealed, kind, identity)

    @clause
    def test_a_changed_envelope_is_not_opened(self, subject: CipherSubject) -> None:
        """An envelope of which any byte was changed raises UnreadableValue."""
        cipher = subject.cipher()
        sealed = cipher.seal(SECRET, "body", 7)
        for place in range(len(sealed)):
            changed = bytearray(sealed)
            changed[place] ^= 1
            with pytest.raises(UnreadableValue):
                cipher.open(bytes(changed), "body", 7)

    @clause
    def test_a_cut_envelope_is_not_opened(self, subject: CipherSubject) -> None:
        """An envelope that was cut off anywhere raises UnreadableValue."""
        cipher = subject.cipher()
        sealed = cipher.seal(SECRET, "body", 7)
        for length in range(len(sealed)):
            with pytest.raises(UnreadableValue):
                cipher.open(sealed[:length], "body", 7)

    @clause
    @pytest.mark.parametrize("sealed", [b"", b"\xfe", b"\xfe" * 100], ids=["empty", "a byte", "many"])
    def test_what_is_no_envelope_is_not_opened(self, subject: CipherSubject, sealed: bytes) -> None:
        """Bytes that no cipher of this make sealed raise UnreadableValue."""
        with pytest.raises(UnreadableValue):
            subject.cipher().open(sealed, "body", 7)

    @clause
    def test_another_key_opens_nothing(self, subject: CipherSubject) -> None:
        """A cipher with another key raises UnreadableValue."""
        sealed = subject.cipher().seal(SECRET, "body", 7)
        with pytest.raises(UnreadableValue):
            subject.stranger().open(sealed, "body", 7)

    @clause
    def test_an_unreadable_value_names_its_row(self, subject: CipherSubject) -> None:
        """The text of UnreadableValue names the kind and the id, and quotes nothing."""
        with pytest.raises(UnreadableValue) as caught:
            subject.cipher().open(b"\xfeSECRETNAME", "reply", 4711)
        assert "reply" in str(caught.value)
        assert "4711" in str(caught.value)
        assert "SECRETNAME" not in f"{caught.value} {caught.value!r}"

    @clause
    def test_works_from_several_threads(self, subject: CipherSubject) -> None:
        """The committer seals in one thread while readers open in others."""
        cipher = subject.cipher()

        def there_and_back(identity: int) -> bool:
            plain = b"%d" % identity * 100
            return cipher.open(cipher.seal(plain, "body", identity), "body", identity) == plain

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(there_and_back, range(200)))
