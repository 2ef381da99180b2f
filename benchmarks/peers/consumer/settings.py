"""What the tutorial of Channels adds to a project, and what it needs to last."""

from __future__ import annotations

import os

SECRET_KEY = "only-for-benchmarks"
INSTALLED_APPS = ["channels"]
ASGI_APPLICATION = "benchmarks.peers.consumer.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ["LAYER"],
        # Without a timeout: redis-py 8 has one of 5 s, and the core layer waits 5 s for a message,
        # so that consumers would end whenever nothing happens for that long.
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
