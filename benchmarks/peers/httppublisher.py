"""A publisher over HTTP, on one connection that is kept: ``httppublisher PORT PATH CHANNELS MODE``.

With ``each`` there is a request for each event, pipelined (RFC 9112, section 9.3.2), to PATH with
``{channel}`` filled in and the text as its body. With ``all`` there is one request, whose body has
a line ``<channel> <text>`` for each event.
"""

from __future__ import annotations

import http.client
import socket
import sys
from typing import BinaryIO

from benchmarks.generator import payload


class Publisher:
    """Sends what one line of standard input asks for, and waits for the answers."""

    def __init__(self, port: int, path: str, channels: int, *, together: bool) -> None:
        self._host = f"127.0.0.1:{port}"
        self._path = path
        self._channels = channels
        self._together = together
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._number = 0

    def publish(self, count: int) -> None:
        """Publish so many events on each channel."""
        events = []
        for _ in range(count):
            self._number += 1
            text = payload.text(self._number)
            events += [(channel, text) for channel in range(self._channels)]
        if self._together:
            lines = "".join(f"{channel} {text}\n" for channel, text in events)
            requests = [self._request(self._path, lines)]
        else:
            requests = [
                self._request(self._path.format(channel=channel), text) for channel, text in events
            ]
        self._socket.sendall(b"".join(requests))
        for _ in requests:
            _read_answer(self._answers)

    def _request(self, path: str, body: str) -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def _read_answer(answers: BinaryIO) -> None:
    status = answers.readline().split()
    if len(status) < 2 or not status[1].startswith(b"2"):
        raise RuntimeError(f"a publication was answered with {status}")
    headers = http.client.parse_headers(answers)
    answers.read(int(headers["Content-Length"]))


def main() -> None:
    port, path, channels, mode = sys.argv[1:]
    publisher = Publisher(int(port), path, int(channels), together=mode == "all")
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        publisher.publish(int(line))


if __name__ == "__main__":
    main()
