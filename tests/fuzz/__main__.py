"""`make fuzz SECONDS=60`: every property of this folder with fresh random examples, each for its share of the time."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.running import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look, all properties together")
    parser.add_argument("words", nargs="*", help='only properties whose name has one of these words: ARGS="framing"')
    arguments = parser.parse_args()
    return fuzz(arguments.seconds, arguments.words)


if __name__ == "__main__":
    sys.exit(main())
