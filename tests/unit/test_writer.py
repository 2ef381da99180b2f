"""``pushjobs.writer``: one write over many servers' ``send``, of which some wait and some fail."""

from __future__ import annotations

import asyncio

import pytest

from pushjobs.writer import EagerSend


class Server:
    """A server's ``send``, which waits while its client does not read, and raises ``fault``."""

    def __init__(self, fault: BaseException | None = None, *, reads: bool = True) -> None:
        self.sent: list[str] = []
        self.fault = fault
        self.reads = asyncio.Event()
        if reads:
            self.reads.set()
        self.writer = EagerSend(self.send, list, "text")

    async def send(self, message: str) -> None:
        await self.reads.wait()
        self.sent.append(message)
        if self.fault is not None:
            raise self.fault


async def test_who_waits_holds_up_no_one_and_goes_on_with_the_rest_of_its_own() -> None:
    servers = [Server(reads=place not in (1, 3)) for place in range(5)]
    stopped: list[int] = []
    for place, server in enumerate(servers):
        server.writer.on_stop = lambda place=place: stopped.append(place)
    assert EagerSend.broadcast([server.writer for server in servers], ["a", "b"]) == []
    assert [server.sent for server in servers] == [["a", "b"], [], ["a", "b"], [], ["a", "b"]]
    assert (stopped, [server.writer.paused for server in servers].count(True)) == ([1, 3], 2)
    for waiting in (servers[3], servers[1]):
        waiting.reads.set()
        await waiting.writer.drain()
    assert [server.sent for server in servers] == [["a", "b"]] * 5
    assert not any(server.writer.paused for server in servers)


@pytest.mark.parametrize("fault", [ConnectionResetError(), asyncio.CancelledError()])
async def test_who_fails_is_named_and_is_sent_nothing_again(fault: BaseException) -> None:
    servers = [Server(), Server(fault), Server()]
    writers = [server.writer for server in servers]
    assert EagerSend.broadcast(writers, ["a", "b"]) == [writers[1]]
    with pytest.raises(ConnectionError, match="refused"):
        writers[1].write(["a", "b"])
    assert [server.sent for server in servers] == [["a", "b"], ["a"], ["a", "b"]]
