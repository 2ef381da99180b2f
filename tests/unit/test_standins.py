"""What takes the place of a broker and of a Channels layer that a project does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
from channels.layers import channel_layers
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from dramatiq import broker as dramatiq_broker
from dramatiq.brokers.stub import StubBroker

from pushjobs import broker, layer, worker
from pushjobs.layer import Doorbell
from pushjobs.probes import LayerProbe
from tests.unit.conftest import Configure
from tests.unit.records import entries_of


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A project without django-dramatiq, and without a broker so far."""
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django_dramatiq")
    monkeypatch.setattr(dramatiq_broker, "global_broker", None)
    del settings.DRAMATIQ_BROKER


@pytest.fixture
def no_layer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    del settings.CHANNEL_LAYERS
    monkeypatch.setattr(channel_layers, "backends", {})  # What others have used.
    yield
    layer._stand_in.cache_clear()


@pytest.mark.usefixtures("bare")
def test_a_project_without_a_broker_has_one_in_memory_with_all_that_jobs_need() -> None:
    broker.provide()
    made = dramatiq.get_broker()
    assert isinstance(made, StubBroker)
    worker.equip(made)
    kinds = [type(middleware).__name__ for middleware in made.middleware]
    assert kinds == ["AsyncIO", "DbConnectionsMiddleware", "CurrentMessage", "WorkerServices"]


@pytest.mark.usefixtures("bare")
def test_a_broker_that_the_project_has_made_itself_is_left_alone() -> None:
    own = StubBroker()
    dramatiq.set_broker(own)
    broker.provide()
    assert dramatiq.get_broker() is own


@pytest.mark.usefixtures("bare")
def test_a_broker_that_is_set_and_that_no_one_reads_is_an_error(settings: Any) -> None:
    settings.DRAMATIQ_BROKER = {"BROKER": "dramatiq.brokers.redis.RedisBroker"}
    with pytest.raises(ImproperlyConfigured, match="add 'django_dramatiq' to INSTALLED_APPS"):
        broker.provide()


@pytest.mark.usefixtures("no_layer")
async def test_without_channel_layers_one_in_memory_carries_rings_and_answers_probes() -> None:
    publisher, receiver = Doorbell(), Doorbell()
    await receiver.join("job:1")
    rings = {"job:1": entries_of("job:1", 1)}
    await publisher.ring(rings)
    assert await receiver.receive({"job:1"}) == rings
    await LayerProbe()()


@pytest.mark.usefixtures("no_layer")
def test_without_channel_layers_a_broker_that_is_shared_has_no_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layer, "in_memory", lambda: False)
    with pytest.raises(RuntimeError, match="CHANNEL_LAYERS has no 'default'"):
        Doorbell()


def test_a_layer_that_is_set_is_the_one_that_is_used(configure: Configure) -> None:
    configure(CHANNEL_LAYER="elsewhere")
    with pytest.raises(RuntimeError, match="CHANNEL_LAYERS has no 'elsewhere'"):
        Doorbell()
