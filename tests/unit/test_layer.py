"""``pushjobs.layer``: what rings arrives as it was, with those who joined and no one else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import channel_layers

from pushjobs.layer import Doorbell
from tests.unit.conftest import Configure
from tests.unit.records import entries_of

LAYERS = {
    "memory": "channels.layers.InMemoryChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}


@pytest.fixture(params=LAYERS)
async def bells(request: pytest.FixtureRequest, settings: Any) -> AsyncIterator[list[Doorbell]]:
    """The doorbells of two processes; that of the receiver is the second."""
    config = {}
    if request.param != "memory":
        config = {"hosts": [request.getfixturevalue("redis_server")]}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": LAYERS[request.param], "CONFIG": config}}
    found = []
    for _ in range(2):
        found.append(Doorbell())
        if request.param != "memory":  # Another process has connections of its own.
            channel_layers.backends.clear()
    yield found
    for bell in found:
        # The core layer closes with one method, the others with another that empties them too.
        await getattr(bell._layer, "close_pools", bell._layer.flush)()


@pytest.mark.parametrize("channel", ["job:1", "user:42", "tag:42:odd name / ümläut: " + "x" * 80])
async def test_entries_arrive_whole_whatever_their_channel_is_called(
    bells: list[Doorbell], channel: str
) -> None:
    here, there = bells
    await there.join(channel)
    entries = entries_of(channel, 3)
    await here.ring(channel, entries)
    assert await there.receive() == (channel, entries)


async def test_who_has_left_hears_nothing_more(bells: list[Doorbell]) -> None:
    here, there = bells
    for channel in ("job:1", "job:2"):
        await there.join(channel)
    await there.leave("job:1")
    await here.ring("job:1", entries_of("job:1", 1))
    second = entries_of("job:2", 1)
    await here.ring("job:2", second)
    assert await there.receive() == ("job:2", second)


async def test_a_ring_that_no_one_hears_is_no_error(bells: list[Doorbell]) -> None:
    await asyncio.gather(*(bell.ring("job:1", entries_of("job:1", 1)) for bell in bells))


def test_without_its_layer_there_is_no_doorbell(configure: Configure) -> None:
    configure(CHANNEL_LAYER="elsewhere")
    with pytest.raises(RuntimeError, match="elsewhere"):
        Doorbell()


async def test_a_layer_that_does_not_answer_holds_up_no_one(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": LAYERS["memory"]}}
    monkeypatch.setattr("pushjobs.layer._PATIENCE", 0.01)
    bell, asked = Doorbell(), []

    async def hang(*_: Any) -> None:
        asked.append(1)
        await asyncio.Event().wait()

    for name in ("group_send", "group_add"):
        monkeypatch.setattr(bell._layer, name, hang)
    with pytest.raises(TimeoutError):
        await bell.join("job:1")
    with pytest.raises(TimeoutError):
        await bell.ring("job:1", entries_of("job:1", 1))
    monkeypatch.setattr(bell, "_silent_until", float("inf"))
    await bell.ring("job:1", entries_of("job:1", 1))
    assert len(asked) == 2
