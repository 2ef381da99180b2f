"""Feeds that open: many with a few calls, and one that cannot is no matter of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from pushjobs.cursor import Position
from pushjobs.exceptions import LogUnavailable
from pushjobs.feed import Feed
from tests.unit.faults import turns
from tests.unit.records import CHANNEL
from tests.unit.streams import World


async def test_feeds_that_open_together_are_placed_with_two_calls_and_not_with_one_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, asked = world.log.heads, []

    async def counted(names: Sequence[str]) -> Mapping[str, Position]:
        asked.append(len(names))
        return await heads(names)

    monkeypatch.setattr(world.log, "heads", counted)
    first = asyncio.ensure_future(world.hub.open("job:first"))
    await turns(2)
    others = [world.hub.open(f"job:{number}") for number in range(50)]
    feeds = [await first, *await asyncio.gather(*others)]
    assert asked == [1, 50]
    assert len(world.bell.joined) == 51
    for feed in feeds:
        world.hub.release(feed)


async def test_a_channel_whose_server_is_out_of_reach_is_not_opened_and_others_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = world.log.heads

    async def partial(names: Sequence[str]) -> Mapping[str, Position]:
        return {name: at for name, at in (await heads(names)).items() if name != "job:dead"}

    monkeypatch.setattr(world.log, "heads", partial)
    dead, alive = await asyncio.gather(
        world.hub.open("job:dead"), world.hub.open(CHANNEL), return_exceptions=True
    )
    assert isinstance(dead, LogUnavailable)
    assert isinstance(alive, Feed)
    await world.hub.sweep()
    assert world.hub.feeds == 1
    world.hub.release(alive)


async def test_a_layer_that_does_not_answer_holds_up_a_sweep_once_and_not_for_each_feed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, answer = [], asyncio.Event()

    async def hang(channel: str) -> None:
        leaving.append(channel)
        await answer.wait()

    monkeypatch.setattr(world.bell, "leave", hang)
    for number in range(3):
        world.hub.release(await world.hub.open(f"job:{number}"))
    sweep = asyncio.ensure_future(world.hub.sweep())
    await turns(5)
    assert len(leaving) == 3
    answer.set()
    await sweep
    assert world.hub.feeds == 0
