"""``pushjobs.log.memory``: what it promises beyond the contract."""

from __future__ import annotations

import asyncio
import functools
import operator
import time
from concurrent.futures import ThreadPoolExecutor

from pushjobs.log import get_log
from pushjobs.log.memory import MemoryLog
from tests.unit.conftest import Configure
from tests.unit.records import CHANNEL, status, word


async def test_a_new_instance_starts_every_channel_in_another_epoch() -> None:
    first, second = [await MemoryLog().heads([CHANNEL]) for _ in range(2)]
    assert first[CHANNEL].epoch != second[CHANNEL].epoch


async def test_a_channel_that_no_one_touches_is_forgotten_and_starts_afresh(
    configure: Configure,
) -> None:
    configure(LOG_MAX_AGE=0.01)
    log = MemoryLog()
    await log.append([status(1)])
    before = (await log.heads([CHANNEL]))[CHANNEL]
    deadline = time.monotonic() + 20
    for number in range(1, 1_000_000):
        await log.append([status(number, channel="user:other")])
        if CHANNEL not in log._channels:
            break
        assert time.monotonic() < deadline
    assert (await log.heads([CHANNEL]))[CHANNEL].epoch != before.epoch


def test_threads_with_loops_of_their_own_leave_no_gap() -> None:
    log = MemoryLog()

    async def speak(number: int) -> list[int]:
        offsets = []
        for seq in range(1, 201):
            (entry,) = await log.append([word(seq, job=f"job-{number}", channel="user:1")])
            assert entry is not None
            offsets.append(entry.position.offset)
        return offsets

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: asyncio.run(speak(number)), range(4)))
    assert all(own == sorted(own) for own in said)
    assert sorted(functools.reduce(operator.iadd, said, [])) == list(range(1, 801))


def test_the_log_of_the_process_is_made_anew_when_the_settings_change(
    configure: Configure,
) -> None:
    before = get_log()
    assert get_log() is before
    configure()
    assert get_log() is not before


async def test_a_channel_that_was_never_written_takes_no_memory_and_keeps_its_epoch() -> None:
    log = MemoryLog()
    heads = await log.heads([CHANNEL])
    assert (await log.read(CHANNEL, heads[CHANNEL], 10)).complete
    assert not log._channels
    (entry,) = await log.append([status(1)])
    assert entry is not None
    assert entry.position.epoch == heads[CHANNEL].epoch


async def test_all_channels_together_are_bounded_and_the_least_used_starts_afresh(
    configure: Configure,
) -> None:
    configure(LOG_MAX_TOTAL=100_000)
    log = MemoryLog()
    await log.append([status(1, channel="user:first")])
    before = (await log.heads(["user:first"]))["user:first"]
    await log.append([status(1, channel=f"user:{number}") for number in range(200)])
    page = await log.read("user:first", before, 10)
    assert not page.complete
    assert page.head.epoch != before.epoch
    assert (await log.read("user:199", None, 10)).entries
