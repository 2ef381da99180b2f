"""How a server takes what is streamed: by a writer of its own where it gives one."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.contract.clients import Client, bearer
from tests.contract.sockets import Socket
from tests.processes import WRITERS, Server


def test_streams_and_sockets_are_written_by_the_servers_own_writers_where_it_has_any(
    any_server: Server, anyone: Client, socket: Socket, gate: Path
) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    with anyone.http.stream("GET", job["links"]["events"], headers=bearer(job["token"])) as stream:
        assert next(stream.iter_bytes()).startswith(b"retry: ")
        framings = httpx.get(f"{any_server.url}/test-writers").json()
    assert framings == (["chunk", "text"] if any_server.options == WRITERS else [])
