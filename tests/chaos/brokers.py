"""A broker that delivers every message twice."""

from __future__ import annotations

from typing import Any

import dramatiq
from django.conf import settings
from dramatiq.brokers.redis import RedisBroker

from tests.chaos.flags import BROKER_REPEATS, Flags


class FaultyBroker(RedisBroker):
    """As the broker of production, but for its flag."""

    def enqueue(
        self, message: dramatiq.Message[Any], *, delay: int | None = None
    ) -> dramatiq.Message[Any]:
        if Flags(settings.VAR).raised(BROKER_REPEATS):
            super().enqueue(message, delay=delay)
        return super().enqueue(message, delay=delay)
