"""A Channels layer that loses every message, or carries each one twice."""

from __future__ import annotations

from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings

from tests.chaos.flags import LAYER_DROPS, LAYER_REPEATS, Flags


class FaultyLayer(RedisPubSubChannelLayer):
    """As the layer of production, but for its flags."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flags = Flags(settings.VAR)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self._flags.raised(LAYER_DROPS):
            return
        for _ in range(2 if self._flags.raised(LAYER_REPEATS) else 1):
            await self._get_layer().group_send(group, message)
