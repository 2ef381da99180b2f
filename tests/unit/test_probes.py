"""``pushjobs.probes``: on real servers that are killed, started again, and held."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from channels.layers import channel_layers, get_channel_layer
from django.db import DatabaseError, connection, connections, models
from django.test.utils import isolate_apps
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from pika.exceptions import AMQPConnectionError

from pushjobs.health import Health
from pushjobs.log import get_log
from pushjobs.probes import Blocking, LayerProbe, Probe, ask_broker, ask_database, ask_log
from tests.chaos.proxy import Network, Proxy
from tests.rabbitmq_server import RabbitmqServer, needs_rabbitmq, shares_rabbitmq
from tests.redis_server import RedisServer, running_redis
from tests.unit.conftest import Configure

LAYERS = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to kill."""
    with running_redis(tmp_path) as found:
        yield found


@asynccontextmanager
async def layer_of_one_loop() -> AsyncIterator[Any]:
    """The Channels layer, closed in the end: the core one by one method, the others by another."""
    layer: Any = get_channel_layer()
    yield layer
    await getattr(layer, "close_pools", layer.flush)()
    channel_layers.backends.clear()


@pytest.fixture(params=["log", "broker", *LAYERS])
async def probe(
    request: pytest.FixtureRequest,
    server: RedisServer,
    settings: Any,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """The probe of a store that stands on that Redis."""
    match request.param:
        case "log":
            configure(LOG="pushjobs.log.redis.RedisLog", LOG_URLS=(server.url,))
            yield ask_log
            await get_log().close()
        case "broker":
            broker = RedisBroker(url=server.url, middleware=[])
            monkeypatch.setattr(dramatiq.broker, "global_broker", broker)
            probe = Blocking(ask_broker)
            yield probe
            probe._thread.shutdown()
        case name:
            layer = {"BACKEND": LAYERS[name], "CONFIG": {"hosts": [server.url]}}
            settings.CHANNEL_LAYERS = {"default": layer}
            async with layer_of_one_loop():
                yield LayerProbe()


async def answers(probe: Probe) -> bool:
    """Whether it answers within some seconds."""
    try:
        async with asyncio.timeout(5):
            await probe()
    except Exception:
        return False
    return True


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 60
    while not await holds():
        assert time.monotonic() < deadline, "it never held"
        await asyncio.sleep(0.05)


async def test_a_store_that_is_killed_does_not_answer_until_it_is_back(
    probe: Probe, server: RedisServer
) -> None:
    assert await answers(probe)
    server.kill()
    assert not await answers(probe)
    server.start()
    await until(lambda: answers(probe))


async def test_a_store_that_hangs_is_found_out_and_answers_once_it_goes_on(
    probe: Probe, server: RedisServer, configure: Configure
) -> None:
    """Whatever the probe does when it is given up may hang as well."""
    configure(HEALTH_TIMEOUT=0.2)
    checks = Health({"store": probe})
    assert server.process is not None
    assert await answers(probe)
    server.process.send_signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            assert (await checks.checks())["store"] == {"ok": False, "detail": "timeout"}
    finally:
        server.process.send_signal(signal.SIGCONT)
    await until(lambda: answers(probe))


@pytest.mark.parametrize("name", ["memory", *LAYERS])
async def test_a_layer_that_has_lost_a_message_answers_the_next_time(
    name: str, redis_server: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in LAYERS:
        layer = {"BACKEND": LAYERS[name], "CONFIG": {"hosts": [redis_server]}}
        settings.CHANNEL_LAYERS = {"default": layer}
    probe = LayerProbe()

    async def lose(*_: Any) -> None:
        pass

    async with layer_of_one_loop() as layer:
        for _ in range(3):
            await probe()
            with monkeypatch.context() as patch:
                patch.setattr(layer, "send", lose)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await probe()
        async with asyncio.timeout(20):
            await probe()


async def test_a_layer_has_one_mailbox_for_all_probes(redis_server: str, settings: Any) -> None:
    config = {"BACKEND": LAYERS["pubsub"], "CONFIG": {"hosts": [redis_server]}}
    settings.CHANNEL_LAYERS = {"default": config}
    probe = LayerProbe()
    async with layer_of_one_loop() as layer:
        for _ in range(10):
            await probe()
        assert (len(layer.channels), len(layer.groups)) == (1, 0)


@pytest.fixture
def database() -> Iterator[Blocking]:
    found = Blocking(ask_database)
    yield found
    found._thread.submit(connections.close_all).result()
    found._thread.shutdown()


@pytest.mark.django_db(transaction=True)
async def test_a_connection_that_has_broken_is_made_anew(database: Blocking) -> None:
    await database()
    database._thread.submit(lambda: connection.connection.close()).result()
    await database()


@pytest.mark.django_db(transaction=True)
async def test_a_database_without_the_tables_does_not_answer(
    database: Blocking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with isolate_apps("tests.app"):

        class NotMigrated(models.Model):  # noqa: DJ008
            class Meta:
                app_label = "app"

    monkeypatch.setattr("pushjobs.probes.Job", NotMigrated)
    with pytest.raises(DatabaseError):
        await database()


def test_a_broker_of_another_kind_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class OwnBroker(dramatiq.Broker):
        pass

    monkeypatch.setattr(dramatiq.broker, "global_broker", OwnBroker(middleware=[]))
    ask_broker()


@needs_rabbitmq
@shares_rabbitmq
def test_rabbitmq_is_asked_on_one_connection_made_anew_where_it_was_closed(
    rabbitmq: RabbitmqServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as resources:
        network = Network()
        resources.callback(network.close)
        link = resources.enter_context(closing(Proxy(network, ("127.0.0.1", rabbitmq.port))))
        broker = RabbitmqBroker(url=rabbitmq.url_by(link.port), middleware=[])
        resources.callback(broker.close)
        monkeypatch.setattr(dramatiq.broker, "global_broker", broker)
        for _ in range(3):
            ask_broker()
        (first,) = broker.connections
        first.close()
        ask_broker()
        (second,) = broker.connections
        assert second is not first
        link.refuse()
        with pytest.raises(AMQPConnectionError):
            ask_broker()
