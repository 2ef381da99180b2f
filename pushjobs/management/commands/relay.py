"""``manage.py relay``: the relay in a process of its own."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from pushjobs import broker, loop
from pushjobs.announcements import get_announcements
from pushjobs.log import get_log
from pushjobs.publisher import get_publisher
from pushjobs.relay import Relay

_FLUSH = 5.0


class Command(BaseCommand):
    help = (
        "Repair what got stuck, until SIGINT or SIGTERM. Any number may run, beside any number of "
        'workers; with PUSHJOBS["RELAY_IN_WORKERS"] false, only these do it.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once",
            action="store_true",
            help="do one round, say what was done, and end; with an error where a part failed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if broker.in_memory():
            raise CommandError(
                "the broker is in memory, and no other process would hear of a job that is sent "
                "from here; the process that runs the jobs has a relay of its own"
            )
        asyncio.run(self._once() if options["once"] else self._until_stopped())

    async def _once(self) -> None:
        loop.bind(asyncio.get_running_loop())
        done = await asyncio.to_thread(_round)
        await self._close()
        for part, count in done.items():
            said = "failed" if count is None else count
            self.stdout.write(f"{part.replace('_', ' ')}: {said}")
        if None in done.values():
            raise CommandError("not all could be done; the log says why")

    async def _until_stopped(self) -> None:
        home = asyncio.get_running_loop()
        loop.bind(home)
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            home.add_signal_handler(number, stopping.set)
        threads = Relay().threads()
        for thread in threads:
            thread.start()
        self.stdout.write("The relay runs (Ctrl-C stops)")
        self.stdout.flush()
        await stopping.wait()
        for thread in threads:
            await asyncio.to_thread(thread.stop)
        await self._close()

    async def _close(self) -> None:
        """Publish what is left to be told."""
        if not await asyncio.to_thread(get_publisher().flush, _FLUSH):
            self.stderr.write("not all events were published; the next relay announces them")
        await get_announcements().settled()
        await get_log().close()


def _round() -> dict[str, int | None]:
    try:
        return Relay().round()
    finally:
        connections.close_all()
