"""What the tutorial of Channels adds to a project, and nothing else."""

from __future__ import annotations

import os

SECRET_KEY = "only-for-benchmarks"
INSTALLED_APPS = ["channels"]
ASGI_APPLICATION = "benchmarks.peers.consumer.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ["LAYER"],
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    }
}
