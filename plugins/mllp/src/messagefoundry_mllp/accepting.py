"""Binding a TCP port and accepting from it, whatever happens to single connections."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, NoReturn

import trio

from messagefoundry_mllp.wire import address_text

if TYPE_CHECKING:
    from collections.abc import Callable

BACKLOG = 1024
EXHAUSTED_SECONDS = 0.1
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EWOULDBLOCK,
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.EPERM,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
    }
)
"""What accept(2) says of the connection it was about to give, not of the listener."""

_MENDS = {
    errno.EADDRINUSE: "stop the program that listens there, or give this Connection another port",
    errno.EADDRNOTAVAIL: "give bind_address= an address of this machine",
    errno.EACCES: "give a port above 1023, or the engine the right to bind lower ones",
    socket.EAI_NONAME: "give bind_address= an address of this machine",
}
"""What an operator can do about a port that cannot be bound."""

Address = tuple[str, int] | tuple[str, int, int, int]


async def bind(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of `host`. Raises OSError, whose text names the address and the mend.

    A port of a listener that has just closed is taken again at once; one that another listener holds is not.
    """
    try:
        found = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, _unbound(error, host, port)) from error
    listeners = [socket.socket(fileno=listener.socket.detach()) for listener in found]
    for listener in listeners:
        listener.setblocking(False)
    return listeners


def _unbound(error: OSError, host: str, port: int) -> str:
    mend = _MENDS.get(error.errno or 0, "")
    return f"cannot listen on {address_text((host, port))}: {error.strerror}{mend and f' ({mend})'}"


async def accept_each(
    listener: socket.socket, admit: Callable[[socket.socket, Address], None], exhausted: Callable[[str], None]
) -> NoReturn:
    """Give every connection to `admit` until cancelled, then close `listener`.

    Without resources for another connection, say so once, and try again every 0.1 s.
    """
    told = False
    with listener:
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                connected, address = listener.accept()
            except OSError as error:
                if error.errno in _PASSING:
                    continue
                if error.errno not in _EXHAUSTED:
                    raise
                reason = error.strerror or ""
            else:
                admit(connected, address)
                told = False
                continue
            if not told:
                exhausted(reason)
                told = True
            await trio.sleep(EXHAUSTED_SECONDS)
