"""Submits no-op jobs, and waits until the broker and the log have what they are told of them.

Run as a process of its own, with the environment of the product's web process.
"""

from __future__ import annotations

import asyncio
import sys

import django

django.setup()

from django.db import transaction  # noqa: E402

from pushjobs import loop, submit  # noqa: E402
from pushjobs.announcements import get_announcements  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402

if __name__ == "__main__":
    with transaction.atomic():  # One commit for all is the quickest.
        for _ in range(int(sys.argv[1])):
            submit("bench.noop")
    if not get_publisher().flush(60):
        raise RuntimeError("the log is out of reach")
    # Else the relay of the worker under test would announce again what was announced.
    asyncio.run_coroutine_threadsafe(get_announcements().settled(), loop.current()).result(60)
