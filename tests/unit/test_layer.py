"""``pushjobs.layer``: what rings arrives as it was, with those who joined and no one else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import channel_layers

from pushjobs.cursor import Position
from pushjobs.events import Entry
from pushjobs.layer import Doorbell, _pack
from tests.unit.conftest import Configure
from tests.unit.records import entries_of, status

LAYERS = {
    "memory": "channels.layers.InMemoryChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}

EVERY = [f"job:{number}" for number in range(1, 301)]


def rings_of(count: int) -> dict[str, list[Entry]]:
    """An entry in each of so many channels."""
    names = [f"job:{number}" for number in range(1, count + 1)]
    return {name: entries_of(name, 1) for name in names}


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
    rings = {channel: entries_of(channel, 3)}
    await here.ring(rings)
    assert await there.receive(rings) == rings


async def test_who_has_left_hears_nothing_more(bells: list[Doorbell]) -> None:
    here, there = bells
    for channel in ("job:1", "job:2"):
        await there.join(channel)
    await there.leave("job:1")
    await here.ring(rings_of(1))
    second = {"job:2": entries_of("job:2", 1)}
    await here.ring(second)
    assert await there.receive(EVERY) == second


async def test_rings_of_many_channels_come_together_to_who_attends(bells: list[Doorbell]) -> None:
    here, there = bells
    await there.attend()
    await here.ring(rings_of(300))
    assert await there.receive(EVERY) == rings_of(300)


async def test_a_logout_is_told_to_who_attends_and_is_no_ring(bells: list[Doorbell]) -> None:
    here, there = bells
    heard: list[str] = []
    there._on_logout = heard.append
    await there.attend()
    await here.tell_logout("a digest")
    assert (await there.receive(EVERY), heard) == ({}, ["a digest"])


async def test_rings_over_the_size_of_a_message_come_in_several(
    bells: list[Doorbell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushjobs.layer._MESSAGE_BYTES", 20)  # Ten bodies.
    here, there = bells
    await there.attend()
    await here.ring(rings_of(25))
    found = [list(await there.receive(EVERY)) for _ in range(3)]
    assert sorted(map(len, found)) == [5, 10, 10]
    assert {name for names in found for name in names} == set(rings_of(25))


async def test_of_many_channels_only_those_served_are_unpacked(bells: list[Doorbell]) -> None:
    here, there = bells
    await there.attend()
    await here.ring(rings_of(20))
    await here.ring(rings_of(30))
    assert await there.receive({"job:7", "job:unknown"}) == {"job:7": entries_of("job:7", 1)}
    assert await there.receive(()) == {}


async def test_the_channels_of_an_event_share_its_body(bells: list[Doorbell]) -> None:
    here, there = bells
    await there.attend()
    body = b"{" + b"x" * 500 + b"}"
    records = [status(1, channel=name, body=body) for name in EVERY]
    entries = [Entry(record, Position("epoch", 1)) for record in records]
    rings = {entry.record.channel: [entry] for entry in entries}
    assert len(_pack(rings)["bodies"]) == len(body)
    await here.ring(rings)
    assert await there.receive(EVERY) == rings


async def test_all_who_join_before_the_mailbox_is_there_join_the_same_one(
    bells: list[Doorbell],
) -> None:
    here, there = bells
    receiving = asyncio.create_task(there.receive(EVERY))
    await asyncio.gather(*map(there.join, EVERY[:50]))
    await here.ring(rings_of(1))
    assert await asyncio.wait_for(receiving, 20) == rings_of(1)


async def test_a_ring_that_no_one_hears_is_no_error(bells: list[Doorbell]) -> None:
    await asyncio.gather(*(bell.ring(rings_of(1)) for bell in bells))


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
        await bell.ring(rings_of(1))
    monkeypatch.setattr(bell, "_silent_until", float("inf"))
    await bell.ring(rings_of(1))
    assert len(asked) == 2
