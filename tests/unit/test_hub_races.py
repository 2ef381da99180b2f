"""What may happen between two awaits of the hub, each case by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pushjobs.cursor import Position
from pushjobs.events import EventType
from pushjobs.exceptions import LogUnavailable
from tests.unit.faults import turns
from tests.unit.records import CHANNEL
from tests.unit.streams import World


async def test_a_client_that_comes_during_a_catch_up_gets_each_entry_once(world: World) -> None:
    early, _ = world.subscribe()
    await world.quiet()
    for _ in range(3):
        await world.say(rings=False)
    world.log.hold = asyncio.Event()
    await world.say()  # Rings: the hub sees a gap, and its read is held.
    await turns(10)
    late, _ = world.subscribe(Position((await world.head()).epoch, 1), known=1)
    await turns(10)
    world.log.hold.set()
    await world.quiet()
    assert early.told == ["snapshot 0", "started 1", "started 2", "started 3", "started 4"]
    assert late.told == ["started 2", "started 3", "started 4"]


async def test_an_entry_that_rings_during_a_catch_up_needs_no_sweep(world: World) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    await world.say(rings=False)
    world.log.hold = asyncio.Event()
    await world.say()
    await turns(10)  # The page is read, and not yet with the hub.
    await world.say()
    await turns(10)
    world.log.hold.set()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1", "started 2", "started 3"]


async def test_an_entry_that_rings_while_a_page_is_replayed_is_not_lost(world: World) -> None:
    for _ in range(3):
        await world.say()
    world.log.hold = asyncio.Event()
    client, _ = world.subscribe(Position((await world.head()).epoch, 0))
    await turns(10)
    await world.say()
    await turns(10)
    world.log.hold.set()
    await world.quiet()
    assert client.told == ["started 1", "started 2", "started 3", "started 4"]


async def test_an_entry_that_rings_while_the_snapshot_is_read_is_not_lost(world: World) -> None:
    await world.say()
    world.reader.hold = asyncio.Event()
    client, _ = world.subscribe()
    await turns(20)
    assert world.reader.snapshots == 1
    await world.say()
    await turns(10)
    world.reader.hold.set()
    await world.quiet()
    assert client.told == ["snapshot 1", "started 2"]


async def test_an_entry_that_rings_while_the_feed_opens_is_told_after_a_sweep(
    world: World,
) -> None:
    world.log.lags = [5]
    client, _ = world.subscribe()
    await turns(8)  # The head is read, and not yet with the hub.
    await world.say()
    await world.quiet()
    await world.settle()
    assert client.told[0].startswith("snapshot")
    assert client.known == 1


async def test_a_log_that_is_ahead_of_the_feed_brings_no_repeat_when_the_bell_rings(
    world: World,
) -> None:
    follower, _ = world.subscribe()
    await world.quiet()
    entries = [await world.say(rings=False) for _ in range(3)]
    ahead, _ = world.subscribe(entries[0].position, known=1)
    await world.quiet()
    world.bell.deliver(*entries)
    world.bell.deliver(*entries)
    await world.quiet()
    assert follower.told == ["snapshot 0", "started 1", "started 2", "started 3"]
    assert ahead.told == ["started 2", "started 3"]


async def test_entries_of_one_message_out_of_order_are_told_in_order(world: World) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    first, second, third = [await world.say(rings=False) for _ in range(3)]
    world.bell.deliver(third, first, second)
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1", "started 2", "started 3"]


async def test_a_gap_is_read_once_for_all_who_follow(world: World) -> None:
    clients = [world.subscribe()[0] for _ in range(50)]
    await world.quiet()
    await world.say(rings=False)
    await world.say()
    await world.quiet()
    assert len(world.log.reads) == 1
    assert {tuple(client.told) for client in clients} == {("snapshot 0", "started 1", "started 2")}


async def test_a_feed_that_the_sweep_closes_opens_again_for_who_comes_meanwhile(
    world: World,
) -> None:
    _, gone = world.subscribe()
    await world.quiet()
    gone.close()
    world.bell.leaving = asyncio.Event()
    sweep = asyncio.ensure_future(world.hub.sweep())
    await turns(5)  # The sweep is leaving the group.
    client, _ = world.subscribe()
    await turns(5)
    assert client.told == []
    world.bell.leaving.set()
    await sweep
    await world.quiet()
    assert (world.bell.joined, world.bell.left) == ([CHANNEL, CHANNEL], [CHANNEL])
    await world.say()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1"]


async def test_a_feed_that_someone_still_opens_is_not_closed(world: World) -> None:
    world.log.lags = [10]
    client, _ = world.subscribe()
    await turns(3)
    await world.hub.sweep()
    await world.quiet()
    assert world.bell.left == []
    await world.say()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1"]


async def test_who_waits_for_a_feed_that_cannot_open_is_told_and_the_next_gets_one(
    world: World,
) -> None:
    world.log.failures = 1
    with pytest.raises(LogUnavailable):
        await world.hub.open(CHANNEL)
    assert world.hub.feeds == 0
    client, _ = world.subscribe()
    await world.quiet()
    assert client.told == ["snapshot 0"]


async def test_one_who_leaves_while_the_feed_opens_takes_it_from_no_one(world: World) -> None:
    world.log.lags = [5]
    world.subscribe()
    await turns(3)
    _, _, impatient = world.clients[0]
    stays, _ = world.subscribe()
    await turns(2)
    impatient.cancel()
    await turns(2)
    world.clients.pop(0)
    await world.quiet()
    await world.say()
    await world.quiet()
    assert stays.told == ["snapshot 0", "started 1"]


async def test_a_wiped_log_is_told_with_one_snapshot_that_is_not_a_recovery(world: World) -> None:
    client, _subscription = world.subscribe()
    await world.say()
    await world.quiet()
    world.log.wipe()
    await world.say(rings=False)
    await world.settle()
    assert client.told == ["snapshot 1", "snapshot 2"]
    assert client.position == await world.head()


async def test_a_log_wiped_while_a_replay_is_read_is_told_with_a_snapshot(world: World) -> None:
    for _ in range(3):
        await world.say()
    world.log.lags = [4]
    client, _subscription = world.subscribe(Position((await world.head()).epoch, 1), known=1)
    await turns(20)  # Opened, and not yet live.
    world.log.wipe()
    await world.quiet()
    await world.settle()
    await world.say()
    await world.quiet()
    assert client.known == 4
    assert client.position == await world.head()


async def test_a_log_out_of_reach_during_a_catch_up_is_read_after_the_next_sweep(
    world: World,
) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    await world.say(rings=False)
    world.log.failures = 1
    await world.say()
    await world.quiet()
    assert client.told == ["snapshot 0"]
    await world.hub.sweep()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1", "started 2"]


async def test_who_is_closed_while_a_page_is_read_gets_nothing_of_it(world: World) -> None:
    for _ in range(2):
        await world.say()
    head = await world.head()
    client, subscription = world.subscribe(Position(head.epoch, 0))
    world.log.lags = [3]
    while subscription.position is None:
        await turns(1)
    world.log.hold = asyncio.Event()
    await turns(10)
    subscription.close()
    world.log.hold.set()
    await world.quiet()
    assert (client.told, client.ends) == ([], 0)


async def test_the_end_closes_the_subscription_and_lets_the_feed_go(world: World) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    await world.end()
    await world.quiet()
    assert (client.told, client.ends) == (["snapshot 0", "succeeded 1"], 1)
    await world.hub.sweep()
    assert (world.hub.feeds, world.bell.left) == (0, [CHANNEL])


async def test_an_end_that_only_the_database_has_is_told_with_a_snapshot(world: World) -> None:
    """The end was announced, and wiped before the client came with a cursor of the new log."""
    await world.say()
    await world.end()
    world.log.wipe()
    cursor = await world.head()
    await world.log.append([world.bell.rung[0].record])
    client, _subscription = world.subscribe(cursor)
    await world.quiet()
    assert (client.told, client.ends) == (["started 1", "snapshot 2"], 1)


async def test_who_stands_behind_the_end_is_over_at_once(world: World) -> None:
    await world.end(announced=False)
    client, subscription = world.subscribe(await world.head(), known=1)
    await world.quiet()
    assert (subscription.over, client.told) == (True, [])


async def test_a_job_channel_ends_with_the_jobs_end_and_no_other_event(world: World) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    for kind in (EventType.QUEUED, EventType.STARTED, EventType.RETRYING):
        await world.say(kind)
    await world.quiet()
    assert client.ends == 0


async def test_an_entry_that_rings_while_the_first_head_is_read_needs_no_sweep(
    world: World,
) -> None:
    await world.say()
    cursor = await world.head()
    world.log.hold_heads = asyncio.Event()
    client, _ = world.subscribe(cursor, known=1)
    await turns(10)  # Joined; the head is read, and not yet with the hub.
    await world.say()
    await turns(10)
    world.log.hold_heads.set()
    await world.quiet()
    assert client.told == ["started 2"]


async def test_who_asks_for_all_of_an_empty_log_is_told_with_a_snapshot(world: World) -> None:
    """Nothing was told yet, or all of it is gone: no one can tell."""
    client, subscription = world.subscribe(earliest=True)
    await world.quiet()
    assert subscription.recovered is False
    await world.say()
    await world.quiet()
    assert client.told == ["snapshot 0", "started 1"]


async def test_what_is_about_to_ring_is_not_read_from_the_log(world: World) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    entry = await world.say(rings=False)
    world.hub.in_flight = 0.5
    sweep = asyncio.ensure_future(world.hub.sweep())
    await turns(10)  # The sweep has the heads.
    world.bell.deliver(entry)
    await sweep
    await world.quiet()
    assert (client.told, world.log.reads) == (["snapshot 0", "started 1"], [])


async def test_what_lies_before_the_server_may_put_a_timeout_around_a_send(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = world.subscribe()
    await world.quiet()
    tasks: list[asyncio.Task[Any] | None] = []
    monkeypatch.setattr(client, "put", lambda *_, **__: tasks.append(asyncio.current_task()))
    await world.say()
    await world.quiet()
    assert len(tasks) == 1
    assert tasks[0] is not None  # Without one ``asyncio.timeout`` raises.
