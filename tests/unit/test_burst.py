"""``pushjobs.burst`` and ``pushjobs.feed``: what comes together is encoded and written once."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import pytest

from pushjobs import feed as feeds
from pushjobs.burst import Burst
from pushjobs.cursor import Position
from pushjobs.events import Entry, EventType
from pushjobs.feed import Feed
from pushjobs.hub import Hub
from tests.unit.faults import FaultyDoorbell, FaultyLog, turns
from tests.unit.records import CHANNEL, status, word

BODY = attrgetter("record.body")


def entries(*offsets: int) -> list[Entry]:
    return [Entry(word(offset, body=b"%d" % offset), Position("e", offset)) for offset in offsets]


class Wire:
    """A writer that counts how often it frames; nothing pauses it."""

    paused = False

    def __init__(self, framing: str = "plain") -> None:
        self.framing = framing
        self.framed = 0
        self.written: list[Any] = []

    def frame(self, payloads: Sequence[bytes]) -> bytes:
        self.framed += 1
        return b"+".join(payloads)

    def write(self, framed: Any) -> None:
        self.written.append(framed)

    async def drain(self) -> None:
        pass


class Follower:
    """A subscriber that keeps its bursts."""

    def __init__(self) -> None:
        self.bursts: list[Burst] = []

    @property
    def offsets(self) -> list[list[int]]:
        return [[entry.position.offset for entry in burst.entries] for burst in self.bursts]

    def deliver(self, burst: Burst) -> None:
        self.bursts.append(burst)

    def resync(self, snapshot: Any, position: Position) -> None:
        raise AssertionError("nothing was lost")


def test_writers_with_one_framing_share_what_is_made_of_a_burst() -> None:
    burst = Burst(Position("e", 0), entries(1, 2))
    first, second, other = Wire(), Wire(), Wire("other")
    made = [burst.framed(wire, BODY) for wire in (first, second, other)]
    assert made == [b"1+2"] * 3
    assert made[0] is made[1]
    assert [first.framed, second.framed, other.framed] == [1, 0, 1]


def test_who_has_seen_a_part_of_a_burst_gets_the_rest() -> None:
    burst = Burst(Position("e", 0), entries(1, 2, 3))
    rest = burst.beyond(Position("e", 1))
    assert rest is not None
    assert [entry.position.offset for entry in rest.entries] == [2, 3]
    assert rest.position == burst.position
    assert burst.beyond(Position("e", 3)) is None
    assert burst.beyond(None) is burst


def test_a_burst_ends_with_its_first_terminal_entry() -> None:
    first, third = entries(1, 3)
    end = Entry(status(2, EventType.SUCCEEDED), Position("e", 2))
    burst = Burst(Position("e", 0), [first, end, third])
    assert burst.terminal
    assert burst.ending().entries == [first, end]
    whole = Burst(Position("e", 0), [first, end])
    assert whole.ending() is whole


def test_a_feed_hands_on_together_what_it_took_since_the_last_time() -> None:
    feed, follower = Feed(CHANNEL), Follower()
    feed.position = Position("e", 0)
    feed.subscribers[follower] = None
    assert feed.take(entries(1))
    assert not feed.take(entries(2, 3))
    assert (feed.position.offset, follower.bursts) == (3, [])
    feed.flush()
    assert feed.take(entries(4))
    feed.flush()
    feed.flush()
    assert follower.offsets == [[1, 2, 3], [4]]
    before = [burst.before for burst in follower.bursts]
    assert before == [Position("e", 0), Position("e", 3)]
    assert before[1] is follower.bursts[0].position, "who stands there is known by the object"


def test_what_would_make_a_burst_too_large_is_handed_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed, follower = Feed(CHANNEL), Follower()
    feed.subscribers[follower] = None
    monkeypatch.setattr(feeds, "_FULL", 3)
    feed.take(entries(1, 2))
    feed.take(entries(3))
    feed.take(entries(4))
    monkeypatch.setattr(feeds, "_FULL_BYTES", 2)
    feed.take(entries(5))
    assert follower.offsets == [[1, 2, 3], [4, 5]]


async def test_what_rings_in_one_step_of_the_loop_is_one_burst() -> None:
    hub, follower = Hub(FaultyLog(), FaultyDoorbell(), _no_snapshot), Follower()
    feed = await hub.open(CHANNEL)
    feed.subscribers[follower] = None
    feed.position = Position("e", 0)
    for entry in entries(1, 2, 3):
        hub.ring(CHANNEL, [entry])
    assert follower.bursts == []
    await turns(1)
    hub.ring(CHANNEL, entries(4, 5))
    await turns(1)
    assert follower.offsets == [[1, 2, 3], [4, 5]]
    await hub.stop()


async def _no_snapshot(channel: str, position: Position) -> Any:
    raise AssertionError("nothing was lost")
