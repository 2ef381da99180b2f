"""``pushjobs.outbox``: written at once where it can be, in order and bounded where it cannot."""

from __future__ import annotations

import asyncio
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushjobs.outbox import Outbox
from pushjobs.writer import EagerSend
from tests.unit.conftest import Configure
from tests.unit.faults import turns

FORM = attrgetter("sse")


class Server:
    """A server's ``send``, which waits while ``open`` is not set, and raises once ``broken`` is."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken: BaseException | None = None
        self.breaks_after = -1
        self.ends: list[bool] = []
        self.outbox = Outbox(EagerSend(self.send, list, "text"), self.ends.append)

    async def send(self, payload: Any) -> None:
        if not self.open.is_set():
            await self.open.wait()
        if len(self.sent) == self.breaks_after:
            raise ConnectionResetError
        if self.broken is not None:
            raise self.broken
        self.sent.append(payload)

    def put(self, *payloads: bytes, replaces: str | None = None) -> None:
        for payload in payloads:
            self.outbox.put(payload, replaces)

    async def resume(self) -> None:
        self.open.set()
        await self.outbox.drained()


@pytest.fixture
async def server() -> Server:
    return Server()


async def test_what_can_be_written_is_written_at_once_without_a_task(server: Server) -> None:
    before = asyncio.all_tasks()
    server.put(b"a", b"b")
    assert server.sent == [b"a", b"b"]
    assert asyncio.all_tasks() == before


async def test_what_is_put_together_is_written_at_once_or_kept_piece_by_piece() -> None:
    sent: list[bytes] = []
    reads = asyncio.Event()

    async def send(payload: bytes) -> None:
        sent.append(payload)
        await reads.wait()

    writer = EagerSend(send, lambda payloads: [b"".join(payloads)], "text")
    outbox = Outbox(writer, list[bool]().append)
    outbox.put_all([(b"a", None), (b"b", None)])
    assert sent == [b"ab"]
    outbox.put_all([(b"1", "job"), (b"c", None), (b"2", "job")])
    reads.set()
    await outbox.drained()
    assert sent == [b"ab", b"c2"]


async def test_what_waits_is_sent_in_order_once_the_client_reads(server: Server) -> None:
    server.open.clear()
    server.put(b"a", b"b", b"c")
    assert server.sent == []
    await server.resume()
    assert server.sent == [b"a", b"b", b"c"]
    server.put(b"d")
    assert server.sent == [b"a", b"b", b"c", b"d"]


async def test_what_is_put_while_the_backlog_is_sent_comes_after_it(server: Server) -> None:
    server.open.clear()
    server.put(b"a", b"b")
    server.open.set()
    server.put(b"c")
    while not server.sent:
        await asyncio.sleep(0)
    server.put(b"d")
    await server.outbox.drained()
    assert server.sent == [b"a", b"b", b"c", b"d"]


async def test_in_the_backlog_only_the_newest_of_what_replaces_is_kept(server: Server) -> None:
    server.open.clear()
    server.put(b"in flight")
    server.put(b"p1", replaces="a")
    server.put(b"word")
    server.put(b"q1", replaces="b")
    server.put(b"p2", b"p3", replaces="a")
    await server.resume()
    assert server.sent == [b"in flight", b"word", b"q1", b"p3"]


async def test_what_was_handed_over_is_not_replaced(server: Server) -> None:
    server.open.clear()
    server.put(b"p1", replaces="a")
    server.put(b"p2", replaces="a")
    await server.resume()
    server.put(b"p3", replaces="a")
    assert server.sent == [b"p1", b"p2", b"p3"]


@pytest.mark.parametrize(
    ("limits", "payloads"),
    [({"BACKLOG_EVENTS": 3}, [b"x"] * 3), ({"BACKLOG_BYTES": 30}, [b"x" * 10] * 3)],
    ids=["count", "bytes"],
)
async def test_a_backlog_over_its_bound_ends_the_connection_once(
    server: Server, configure: Configure, limits: dict[str, int], payloads: list[bytes]
) -> None:
    configure(**limits)
    server.open.clear()
    server.put(b"in flight", *payloads)
    assert server.ends == []
    server.put(b"x", b"y", b"z")
    assert (server.ends, server.outbox.closed) == ([True], True)
    await server.resume()
    server.put(b"more")
    assert (server.sent, server.ends) == ([], [True])


async def test_progress_that_replaces_itself_never_fills_the_backlog(
    server: Server, configure: Configure
) -> None:
    configure(BACKLOG_EVENTS=2, BACKLOG_BYTES=100)
    server.open.clear()
    server.put(b"in flight")
    server.put(*(b"x" * 50 for _ in range(1000)), replaces="a")
    assert server.ends == []
    await server.resume()
    assert server.sent == [b"in flight", b"x" * 50]


async def test_a_send_that_raises_at_once_ends_the_connection(server: Server) -> None:
    server.broken = ConnectionResetError()
    server.put(b"a", b"b")
    assert (server.ends, server.outbox.closed) == ([False], True)


async def test_a_send_that_is_no_coroutine_function_and_raises_ends_the_connection() -> None:
    ends: list[bool] = []

    def send(_: Any) -> Any:
        raise ConnectionResetError

    outbox = Outbox(EagerSend(send, list, "text"), ends.append)
    outbox.put(b"a")
    assert ends == [False]


@pytest.mark.parametrize("fault", [ConnectionResetError(), asyncio.CancelledError()])
async def test_a_send_that_raises_after_a_wait_ends_the_connection(
    server: Server, fault: BaseException
) -> None:
    server.open.clear()
    server.put(b"a", b"b")
    server.broken = fault
    await server.resume()
    assert (server.ends, server.outbox.closed, server.sent) == ([False], True, [])


async def test_a_backlog_that_cannot_be_sent_ends_the_connection(server: Server) -> None:
    server.open.clear()
    server.put(b"a", b"b", b"c")
    server.breaks_after = 1
    await server.resume()
    assert (server.sent, server.ends, server.outbox.closed) == ([b"a"], [False], True)


async def test_a_close_cancels_the_send_under_way_and_sends_nothing_more(server: Server) -> None:
    server.open.clear()
    server.put(b"a", b"b")
    task = server.outbox._task
    server.outbox.close()
    server.put(b"c")
    await server.resume()
    assert task is not None
    await asyncio.wait([task])
    assert (server.sent, server.ends) == ([], [])


async def test_drained_waits_until_all_is_with_the_server(server: Server) -> None:
    server.open.clear()
    server.put(b"a", b"b")
    waiting = asyncio.ensure_future(server.outbox.drained())
    await turns(5)
    assert not waiting.done()
    server.open.set()
    await waiting
    assert server.sent == [b"a", b"b"]


async def test_drained_ends_with_the_connection(server: Server) -> None:
    server.open.clear()
    server.put(b"a")
    waiting = asyncio.ensure_future(server.outbox.drained())
    await asyncio.sleep(0)
    server.outbox.close()
    await waiting


async def test_a_send_that_waits_ends_although_it_was_written_past_the_outbox(
    server: Server,
) -> None:
    line = server.outbox.line(FORM)
    assert line is not None
    line.writer.on_stop = server.outbox.mind_pause
    line.writer.write([b"a"])
    server.open.clear()
    line.writer.write([b"b", b"c"])
    assert (server.sent, server.outbox.line(FORM)) == ([b"a"], None)
    server.open.set()
    await turns(5)
    assert server.sent == [b"a", b"b", b"c"]
    assert server.outbox.line(FORM) == line


async def test_what_is_put_comes_after_what_was_written_past_the_outbox(server: Server) -> None:
    line = server.outbox.line(FORM)
    assert line is not None
    line.writer.on_stop = server.outbox.mind_pause
    server.open.clear()
    line.writer.write([b"a", b"b"])
    server.put(b"c")
    await server.resume()
    assert server.sent == [b"a", b"b", b"c"]


async def test_who_tries_again_after_a_send_that_raised_repeats_nothing(server: Server) -> None:
    line = server.outbox.line(FORM)
    assert line is not None
    server.breaks_after = 1
    for _ in range(2):
        with pytest.raises(ConnectionError):
            line.writer.write([b"a", b"b"])
        server.breaks_after = -1
    assert server.sent == [b"a"]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([None, "a", "b"])),
        st.tuples(st.sampled_from(["block", "open", "turn"]), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(operations=operations)
def test_what_is_sent_is_what_was_put_in_order_minus_the_replaced(
    operations: list[tuple[str, str | None]],
) -> None:
    async def play() -> None:
        server = Server()
        put: list[tuple[bytes, str | None]] = []
        for name, replaces in operations:
            match name:
                case "put":
                    payload = b"%d" % len(put)
                    put.append((payload, replaces))
                    server.put(payload, replaces=replaces)
                case "block":
                    server.open.clear()
                case "open":
                    server.open.set()
                case "turn":
                    await asyncio.sleep(0)
        await server.resume()
        sent = [int(payload) for payload in server.sent]
        assert sent == sorted(set(sent))
        for place in set(range(len(put))) - set(sent):
            key = put[place][1]
            later = [place for place, (_, other) in enumerate(put) if other == key]
            assert key is not None, "something that nothing replaces was dropped"
            assert max(later) > place, "the newest was dropped"
        assert server.ends == []

    asyncio.run(play())
