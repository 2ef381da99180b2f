"""``pushjobs.cohort``: who is in step is written to directly, and misses nothing when it is not."""

from __future__ import annotations

import pytest

from pushjobs.feed import Feed
from pushjobs.subscription import Subscription
from tests.unit.records import CHANNEL
from tests.unit.streams import Client, World


def in_step(world: World, subscription: Subscription) -> bool:
    assert subscription._feed is None or isinstance(subscription._feed, Feed)
    return subscription._cohort is not None


async def joined(world: World, **options: bool) -> tuple[Client, Subscription]:
    """A client that has stepped in with its first event, where it may."""
    client, subscription = world.subscribe(direct=True)
    client.stopped = options.get("stopped", False)
    await world.quiet()
    await world.say()
    await world.quiet()
    return client, subscription


async def test_who_is_in_step_is_written_to_past_its_sink(world: World) -> None:
    client, subscription = await joined(world)
    assert (in_step(world, subscription), client.writes) == (True, 0)
    await world.say()
    await world.say()
    await world.quiet()
    assert client.writes == 1, "both events at once"
    assert client.told == ["snapshot 0", "started 1", "started 2", "started 3"]


async def test_one_burst_is_framed_once_for_all_in_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(Client, "frame", lambda _, payloads: made.append(1) or tuple(payloads))
    clients = [(await joined(world))[0] for _ in range(3)]
    made.clear()
    await world.say()
    await world.quiet()
    assert (len(made), [client.writes > 0 for client in clients]) == (1, [True] * 3)


async def test_who_is_stopped_gets_what_comes_next_through_its_sink(world: World) -> None:
    client, subscription = await joined(world)
    client.stopped = True
    subscription.step_out()
    assert subscription.position == client.position
    await world.say()
    await world.quiet()
    assert (client.writes, client.told[-1], in_step(world, subscription)) == (0, "started 2", False)
    client.stopped = False
    await world.say()
    await world.quiet()
    assert in_step(world, subscription), "it steps in again"


async def test_who_cannot_be_written_to_gets_the_burst_through_its_sink(world: World) -> None:
    client, subscription = await joined(world)
    client.broken = client.stopped = True
    await world.say()
    await world.quiet()
    assert (client.told[-1], in_step(world, subscription)) == ("started 2", False)


async def test_all_step_out_for_the_end(world: World) -> None:
    clients = [await joined(world) for _ in range(2)]
    await world.say()
    await world.end()
    await world.quiet()
    for client, subscription in clients:
        assert (client.told[-1], client.ends) == ("succeeded 4", 1)
        assert not in_step(world, subscription)


async def test_all_step_out_for_a_snapshot(world: World) -> None:
    client, subscription = await joined(world)
    world.log.wipe()
    await world.say(rings=False)
    await world.hub.sweep()
    await world.quiet()
    assert client.told[-1] == "snapshot 2"
    assert not in_step(world, subscription)
    await world.say()
    await world.quiet()
    assert client.told[-1] == "started 3"
    assert in_step(world, subscription)


async def test_who_leaves_is_written_to_no_more(world: World) -> None:
    client, subscription = await joined(world)
    subscription.close()
    await world.say()
    await world.quiet()
    assert (client.writes, client.told) == (0, ["snapshot 0", "started 1"])
    feed = world.hub._feeds[CHANNEL]
    assert not feed.subscribers
    assert not any(cohort._outlets for cohort in feed._cohorts.values())
