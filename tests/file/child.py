"""Processes that tests of crashes start, and kill.

python -m tests.file.child write FOLDER        publishes large files without end, one after the other
python -m tests.file.child claim FOLDER        claims every file, prints a line, and waits to be killed
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from tests.file.context import Intake, item, reading, writing

if TYPE_CHECKING:
    from messagefoundry.contracts import Receipt

LETTERS = 300_000


def payload(number: int) -> bytes:
    """A message that shows whether it is whole: its last segment repeats its number."""
    return b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|N%d|P|2.5\rNTE|1||%s\rZZZ|N%d\r" % (number, b"x" * LETTERS, number)


async def write(folder: Path) -> None:
    async with writing(folder) as destination:
        for number in itertools.count():
            await destination.send(item(payload(number), message_id=number, work_id=number))
            if number == 3:
                print("writing", flush=True)


async def claim(folder: Path) -> None:
    class Waiting(Intake):
        async def receive(self, raw: bytes, *, peer: str = "", bookmark: str = "") -> Receipt:
            print("claimed", flush=True)
            await trio.sleep_forever()
            raise AssertionError

    async with reading(folder, Waiting(), recursive=True) as reader:
        await reader.poll()


if __name__ == "__main__":
    trio.run({"write": write, "claim": claim}[sys.argv[1]], Path(sys.argv[2]))
