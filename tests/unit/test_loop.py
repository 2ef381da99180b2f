"""``pushjobs.loop``: one event loop per process, whoever brings it."""

from __future__ import annotations

import asyncio
import threading

from pushjobs import loop


def test_where_no_one_brings_a_loop_a_thread_runs_one() -> None:
    assert not loop.is_bound()
    found = loop.current()
    assert loop.current() is found
    assert asyncio.run_coroutine_threadsafe(_name(), found).result(20) == "pushjobs-loop"


async def test_a_servers_loop_takes_the_place_of_the_one_before_and_is_told_once() -> None:
    heard: list[asyncio.AbstractEventLoop] = []
    loop.on_bind(heard.append)
    here = asyncio.get_running_loop()
    loop.bind(here)
    loop.bind(here)
    assert (loop.current(), heard) == (here, [here])


def test_a_closed_loop_is_no_loop() -> None:
    closed = asyncio.new_event_loop()
    loop.bind(closed)
    closed.close()
    assert not loop.is_bound()
    assert loop.current() is not closed


async def _name() -> str:
    return threading.current_thread().name
