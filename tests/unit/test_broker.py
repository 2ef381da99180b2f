"""``pushjobs.broker``: whatever keeps a broker from taking a message is one error."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from pushjobs import broker
from pushjobs.exceptions import BrokerUnavailable
from tests.processes import free_port
from tests.unit.conftest import Postbox


@pytest.fixture
def redis_broker_that_is_down() -> Iterator[None]:
    before = dramatiq.get_broker()
    dramatiq.set_broker(RedisBroker(url=f"redis://127.0.0.1:{free_port()}/0", middleware=[]))
    yield
    dramatiq.set_broker(before)


@pytest.mark.usefixtures("redis_broker_that_is_down")
def test_a_redis_that_does_not_answer_is_a_broker_that_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable):
        broker.send(uuid4(), 0, "default")


def test_a_message_names_the_job_and_how_often_it_was_tried(postbox: Postbox) -> None:
    job_id = uuid4()
    broker.send(job_id, 2, "default")
    assert postbox.messages == [(str(job_id), 2)]
