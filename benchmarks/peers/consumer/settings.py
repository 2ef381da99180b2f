"""What the tutorial of Channels adds to a project, and what it needs to last."""

from __future__ import annotations

import os

SECRET_KEY = "only-for-benchmarks"
INSTALLED_APPS = ["channels"]
ASGI_APPLICATION = "benchmarks.peers.consumer.asgi.application"
_CORE = "channels_redis.core.RedisChannelLayer"
_LAYER = os.environ["LAYER"]
_HOST = {
    "address": os.environ["REDIS_URL"],
    # Without a timeout: redis-py 8 has one of 5 s, and the core layer waits 5 s for a message, so
    # that consumers would end whenever nothing happens for that long.
    "socket_timeout": None,
    # redis-py 8 has a hundred: a burst of clients needs more, and was refused.
    "max_connections": 10_000,
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": _LAYER,
        "CONFIG": {
            "hosts": [_HOST],
            # A process's consumers share one mailbox of the core layer, which drops what is over
            # its capacity: 100 by default, and a batch is an event for each of 2,000 channels.
            **({"capacity": 20_000} if _LAYER == _CORE else {}),
        },
    }
}
