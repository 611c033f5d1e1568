"""Sets of small numbers."""

from collections.abc import Iterable


class Bits:
    """A growing set of numbers from 0 on, a bit each."""

    __slots__ = ("_bits", "_count")

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._bits = bytearray()
        self._count = 0
        for number in numbers:
            self.add(number)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        place = number >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (number & 7))

    def add(self, number: int) -> bool:
        """Put a number in; False when it is there already."""
        place, bit = number >> 3, 1 << (number & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1, 2 * len(self._bits)) - len(self._bits)))
        if self._bits[place] & bit:
            return False
        self._bits[place] |= bit
        self._count += 1
        return True

    def without(self, others: "Bits") -> int:
        """Return how many are not among the others."""
        mine, theirs = (int.from_bytes(bits._bits, "little") for bits in (self, others))
        return (mine & ~theirs).bit_count()
