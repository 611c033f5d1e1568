"""Ports for subjects."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at present."""
    with socket.create_server((host, 0)) as server:
        return int(server.getsockname()[1])
