"""Ports of the loopback address."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
#: Not of the process's own state, which tests set.
_random = random.SystemRandom()


class PortTaken(Exception):
    """Something listens on a port already."""


def free_port() -> int:
    """A port on which nothing listens now.

    Of those that the system gives to no outgoing connection (Linux: from 32768 on), one of which
    might have it before the server that it is for.
    """
    while True:
        port = _random.randint(10_000, 32_000)
        with suppress(PortTaken):
            require_free(port)
            return port


def require_free(port: int) -> None:
    """Raises ``PortTaken`` if a server could not listen on ``port``."""
    with socket.socket() as probe:
        # As servers do: what is left of closed connections does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise PortTaken(f"port {port} cannot be listened on: {error}") from error


def listens(port: int) -> bool:
    """Whether a server accepts connections on ``port``."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((LOOPBACK, port)) == 0
