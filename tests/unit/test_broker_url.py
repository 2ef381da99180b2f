"""``BROKER_URL`` of the reference project: which broker it names, and what that one is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from project.settings import _broker


def broker(url: str) -> Any:
    """The broker that a URL stands for, not yet connected."""
    configured: Any = _broker(url)
    return import_string(configured["BROKER"])(middleware=[], **configured["OPTIONS"])


def connection(url: str) -> dict[str, Any]:
    found: dict[str, Any] = broker(url).client.connection_pool.connection_kwargs
    return found


def test_without_a_url_the_broker_is_in_memory() -> None:
    assert type(broker("")).__name__ == "StubBroker"


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_redis_broker_waits_for_no_dead_server(scheme: str) -> None:
    found = connection(f"{scheme}://user:p%2Cw@host:7000/3")
    assert (found["host"], found["port"], found["db"]) == ("host", 7000, 3)
    assert found["password"] == "p,w"
    assert 0 < found["socket_connect_timeout"] <= found["socket_timeout"]


def test_what_the_url_says_itself_counts() -> None:
    assert connection("redis://host?socket_timeout=30")["socket_timeout"] == 30
    (told,) = broker("amqp://host/%2F?heartbeat=7").parameters
    assert told.heartbeat == 7
    assert told.virtual_host == "/"


@pytest.mark.parametrize("separator", [",", ";", ", "])
def test_several_hosts_of_rabbitmq_are_tried_in_turn(separator: str) -> None:
    found = broker(separator.join(["amqp://one/jobs", "amqps://two/jobs"]))
    assert [each.host for each in found.parameters] == ["one", "two"]
    assert all(each.stack_timeout < 10 for each in found.parameters)
    assert found.confirm_delivery


@pytest.mark.parametrize(
    "url", ["kafka://host", "host:6379", "redis://one,redis://two", "redis://one,amqp://two"]
)
def test_any_other_url_is_an_error_that_says_what_is_possible(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="one or more amqp://"):
        broker(url)
