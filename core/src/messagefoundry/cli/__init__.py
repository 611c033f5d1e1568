"""The command line. Each command is a module of its own, imported only when it is called."""

from __future__ import annotations

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command that `sys.argv` names and exit: 0 fine, 1 what was checked is not fine, 2 the call is wrong."""
    from messagefoundry.cli.program import run

    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a late Ctrl-C would kill the interpreter while it shuts down
    sys.exit(code)
