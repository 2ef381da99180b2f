"""``pushjobs.hub`` with ``pushjobs.subscription``: whatever the doorbell does, no one misses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from pushjobs.cursor import Position
from pushjobs.exceptions import LogUnavailable
from tests.unit.faults import turns
from tests.unit.streams import World

#: Longer than any test, so that the only sweeps are the test's.
QUIET = {"SWEEP_INTERVAL": 3600}

Script = list[tuple[Any, ...]]

small = st.integers(0, 7)
steps = st.one_of(
    st.tuples(st.just("say"), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("ring"), st.lists(small, min_size=1, max_size=4)),
    st.tuples(st.just("come"), st.sampled_from(["new", "old", "head", "earliest"]), small),
    st.tuples(st.just("come"), st.sampled_from(["future", "strange"]), small),
    st.tuples(st.just("leave"), small),
    st.tuples(st.just("stop"), small),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("turns"), st.integers(1, 12)),
)
faults = st.one_of(
    st.tuples(st.just("wipe")),
    st.tuples(st.just("cut"), st.integers(1, 3)),
)


@pytest.fixture(scope="module", autouse=True)
def _small_pages() -> Iterator[None]:
    """Pages so small that a replay takes several, and a hub can be overtaken between them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pushjobs.hub.PAGE", 3)
        patch.setattr("pushjobs.subscription.PAGE", 2)
        yield


class Story:
    """Plays steps, and then checks that every client who is still there knows all."""

    def __init__(self, lags: list[int]) -> None:
        self.world = World()
        self.world.log.lags = lags
        self.sweeping: asyncio.Task[None] | None = None

    async def play(self, script: Script) -> None:
        self.world.hub.start()
        self.world.subscribe(direct=True)  # One who is there all the time.
        await self.world.quiet()
        for name, *arguments in script:
            await getattr(self, name)(*arguments)
        await self.check()

    async def check(self) -> None:
        world = self.world
        world.log.failures = 0
        if self.sweeping is not None:
            await asyncio.gather(self.sweeping, return_exceptions=True)
        await world.quiet()
        await world.settle()
        for client, subscription, task in world.clients:
            if task.done() and not task.cancelled():
                task.result()
            if subscription._closed and not client.ends:
                continue  # It left, or was sent away while the log was out of reach.
            assert client.known == world.reader.serial, client.told
            assert client.ends == world.reader.job.over
            if not client.ends:
                assert client.position == await world.head()
        await world.close()

    async def say(self, count: int, rings: bool) -> None:
        for _ in range(0 if self.world.reader.job.over else count):
            await self.world.say(rings=rings)

    async def ring(self, places: list[int]) -> None:
        """Messages come late, again, together and in any order; those not named never come."""
        rung = self.world.bell.rung
        if rung:
            self.world.bell.deliver(*(rung[-1 - place % len(rung)] for place in places))

    async def come(self, how: str, place: int) -> None:
        world, slow = self.world, place % 3
        direct = place % 2 == 0
        match how:
            case "old" if world.places:
                position, known = world.places[-1 - place % len(world.places)]
                world.subscribe(position, known, slow=slow, direct=direct)
            case "head":
                head = await world.head()
                world.subscribe(head, world.reader.serial, slow=slow, direct=direct)
            case "earliest":
                world.subscribe(earliest=True, slow=slow, direct=direct)
            case "future" if world.places:
                position = world.places[-1][0]
                world.subscribe(Position(position.epoch, position.offset + 50), slow=slow)
            case "strange":
                world.subscribe(Position("feedbeef", place), slow=slow)
            case _:
                world.subscribe(slow=slow, direct=direct)

    async def leave(self, place: int) -> None:
        if self.world.clients:
            _, subscription, task = self.world.clients[place % len(self.world.clients)]
            task.cancel()
            subscription.close()

    async def stop(self, place: int) -> None:
        """A connection takes no more for now; or, the second time, does again."""
        client, subscription, _ = self.world.clients[place % len(self.world.clients)]
        client.stopped = not client.stopped
        subscription.step_out()

    async def sweep(self) -> None:
        """As in a process, one sweep at a time, beside all else."""
        if self.sweeping is None or self.sweeping.done():
            self.sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        with suppress(LogUnavailable):
            await self.world.hub.sweep()

    async def turns(self, count: int) -> None:
        await turns(count)

    async def wipe(self) -> None:
        self.world.log.wipe()

    async def cut(self, calls: int) -> None:
        self.world.log.failures = calls

    async def end(self, announced: bool) -> None:
        if not self.world.reader.job.over:
            await self.world.end(announced=announced, rings=announced)


def play(script: Script, lags: list[int], **keys: int) -> World:
    story = Story(lags)
    with override_settings(PUSHJOBS={**QUIET, **keys}), story.world.reader.in_use():
        asyncio.run(story.play(script))
    return story.world


lags = st.lists(st.integers(0, 3), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    script=st.lists(steps | faults, min_size=3, max_size=25),
    lags=lags,
    kept=st.sampled_from([3, 1000]),
)
def test_each_client_is_told_all_in_order_whatever_is_lost(
    script: Script, lags: list[int], kept: int
) -> None:
    """Dropped, late, repeated and reordered messages; wiped, short and absent logs."""
    play(script, lags, LOG_MAX_EVENTS=kept)


@settings(max_examples=100, deadline=None)
@given(
    before=st.lists(steps, max_size=12),
    announced=st.booleans(),
    after=st.lists(steps | faults, max_size=8),
    lags=lags,
)
def test_each_client_learns_of_the_end_once(
    before: Script, announced: bool, after: Script, lags: list[int]
) -> None:
    play([*before, ("end", announced), *after], lags)


@settings(max_examples=100, deadline=None)
@given(script=st.lists(steps, min_size=3, max_size=25), lags=lags)
def test_a_snapshot_comes_only_where_the_log_cannot_help(script: Script, lags: list[int]) -> None:
    """While the log keeps all, who brings a cursor that it gave out sees no snapshot at all."""
    for client, subscription, _ in play(script, lags).clients:
        assert client.snapshots <= 1
        if subscription.recovered:
            assert client.snapshots == 0
