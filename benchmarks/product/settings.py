"""The reference project's settings, with limits that one machine full of clients does not meet.

The limits are still counted: only their numbers differ from the defaults.
"""

from __future__ import annotations

from typing import Any

from project.settings import *  # noqa: F403
from project.settings import CHANNEL_LAYERS, INSTALLED_APPS, PUSHJOBS, env

if DIRECT_LAYER := env.str("DIRECT_LAYER", default=""):
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "benchmarks.product.direct.DirectLayer",
            "CONFIG": {"path": DIRECT_LAYER},
        }
    }
elif LAYER_PREFIX := env.str("LAYER_PREFIX", default=""):
    # Redis has no databases for pub/sub: candidates on one server would hear each other's rings.
    layer_options: Any = CHANNEL_LAYERS["default"]["CONFIG"]
    layer_options["prefix"] = LAYER_PREFIX
INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.product"]
PUSHJOBS = {
    "ADDRESS_SUBMISSIONS": "100000000/minute",
    "MAX_CONNECTIONS": 100_000,
    "MAX_ADDRESS_CONNECTIONS": 100_000,
    "MAX_ADDRESS_CHANNELS": 1_000_000,
    **PUSHJOBS,
}
