"""``pushjobs.cohort``: a connection that pauses in its own write, as those of asyncio's loop do."""

from __future__ import annotations

from typing import Any

import pytest

from pushjobs.feed import Feed
from tests.unit.streams import Client, World


def pause_in_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Client.write

    def write(self: Client, framed: Any) -> None:
        plain(self, framed)
        self.stopped = True
        assert self.on_stop is not None
        self.on_stop()

    monkeypatch.setattr(Client, "write", write)


async def test_who_pauses_in_a_write_gets_what_comes_next_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_in_writes(monkeypatch)
    client, subscription = world.subscribe(direct=True)
    client.on_stop = subscription.step_out
    await world.quiet()
    for _ in range(3):
        await world.say()
        await world.quiet()
    assert (client.writes, client.fault) == (1, None)
    assert client.told == ["snapshot 0", "started 1", "started 2", "started 3"]


async def test_who_pauses_while_entries_are_taken_and_not_yet_delivered_gets_them(
    world: World,
) -> None:
    client, subscription = world.subscribe(direct=True)
    await world.quiet()
    await world.say()
    await world.quiet()
    entry = await world.say(rings=False)
    world.hub.ring(entry.record.channel, [entry])  # Delivered at the end of this step.
    feed = subscription._feed
    assert isinstance(feed, Feed)
    assert feed.position != feed.delivered
    client.stopped = True
    subscription.step_out()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1", "started 2"]
