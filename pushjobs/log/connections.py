"""Connections to one Redis server, each of which makes one round trip at a time.

redis-py opens and reads them. Its pool and pipeline are passed by: they look each connection over,
and put a task or a timer around every step, which took longer than the round trip itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

# Unless the URL says otherwise, in seconds: a server that is gone is not waited for.
_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 2}


class Connections:
    """As many as are in use at the same time, for one event loop."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(url, **_OPTIONS)
        self._timeout: float | None = self._pool.connection_kwargs["socket_timeout"]
        self._idle: list[AbstractConnection] = []

    async def call(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The replies to all commands in one round trip; an error of the server's is its reply.

        Raises what redis-py raises where the server is out of reach, ``TimeoutError`` where it does
        not answer, and what is open to it is closed then.
        """
        connection = self._idle.pop() if self._idle else await self._opened()
        try:
            async with asyncio.timeout(self._timeout):
                packed = [hiredis.pack_command(tuple(command)) for command in commands]
                await connection.send_packed_command(packed, check_health=False)
                replies = [await _reply(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            await self.close()
            raise
        self._idle.append(connection)
        return replies

    async def close(self) -> None:
        """Close those that are not in use."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)

    async def _opened(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        await connection.connect()  # type: ignore[no-untyped-call]
        connection.socket_timeout = None  # Each round trip has its own.
        return connection


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
