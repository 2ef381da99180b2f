"""Settings of the fault suite: the tests' own, with parts that misbehave when a flag says so."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import CHANNEL_LAYERS, DRAMATIQ_BROKER, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]
CHANNEL_LAYERS["default"]["BACKEND"] = "tests.chaos.layers.FaultyLayer"
DRAMATIQ_BROKER["BROKER"] = "tests.chaos.brokers.FaultyBroker"
STORAGES = {
    "default": {"BACKEND": "tests.chaos.storages.FaultyStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
