"""The app of the fault suite: its jobs, and its faults in the processes that load it."""

from __future__ import annotations

import os

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    name = "tests.chaos"
    label = "tests_chaos"

    def ready(self) -> None:
        from tests.chaos import clock, deathpoints

        deathpoints.set_up()
        shift = float(os.environ.get("CHAOS_CLOCK", 0))
        if shift:
            clock.shift(shift)
