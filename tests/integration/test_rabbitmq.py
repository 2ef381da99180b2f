"""Jobs through a real RabbitMQ: killed and restarted, emptied, and delivering what it has twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import dramatiq
import pytest
from django.utils.module_loading import import_string

from project import settings as project
from pushjobs import broker
from pushjobs.broker import ACTOR
from tests.contract.clients import Client, Document, bearer, channel_of
from tests.contract.followers import Follower
from tests.integration.site import Site, running_site
from tests.rabbitmq_server import RabbitmqServer, needs_rabbitmq, shares_rabbitmq
from tests.waiting import until

pytestmark = [needs_rabbitmq, shares_rabbitmq]


@pytest.fixture(scope="module")
def site(rabbitmq: RabbitmqServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with two workers for the queue ``default``, and none for ``apart``."""
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, rabbitmq.url) as running:
        for _ in range(2):
            running.start_worker("default", threads=2)
        yield running


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client(site.server) as found:
        yield found


def starts(path: Path) -> list[str]:
    """The attempts of a ``test.hold`` that have begun."""
    return path.read_text().split() if path.exists() else []


def succeeded(client: Client, jobs: list[Document]) -> bool:
    return all(client.finished(job)["status"] == "succeeded" for job in jobs)


def test_a_job_runs_and_its_client_learns_of_each_step(site: Site, client: Client) -> None:
    job = client.submit("test.talk", words=3)
    with Follower(site.server, "sse").follow(
        channel_of(job), by=job["token"], cursor=job["cursor"]
    ) as following:
        types = [told.type for told in following.rest()]
    assert (types[0], types[1], types[-1]) == ("job.queued", "job.started", "job.succeeded")


def test_a_job_is_cancelled_and_tried_again(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = client.submit("test.hold", until=str(gate))
    client.started(job)
    assert client.cancel(job).status_code == 202
    assert client.finished(job)["status"] == "cancelled"
    gate.touch()
    again = client.http.post(f"/jobs/{job['id']}/retry", headers=bearer(job["token"]))
    assert again.status_code == 202, again.text
    assert client.finished(again.json())["result"] == "released"


def test_a_server_that_is_killed_loses_no_job_and_repeats_none(
    rabbitmq: RabbitmqServer, client: Client, tmp_path: Path
) -> None:
    gate, started = tmp_path / "gate", tmp_path / "started"
    jobs = [client.submit("test.hold", until=str(gate), started=str(started)) for _ in range(8)]
    until(lambda: len(starts(started)) == 4)
    rabbitmq.kill()
    jobs += [client.submit("test.hold", until=str(gate), started=str(started)) for _ in range(2)]
    gate.touch()
    rabbitmq.start()
    assert succeeded(client, jobs)
    assert starts(started) == ["1"] * 10


@pytest.mark.parametrize("loss", ["queue_purge", "queue_delete"])
def test_what_the_server_lost_is_sent_again(
    rabbitmq: RabbitmqServer, client: Client, loss: str
) -> None:
    jobs = [client.submit("test.apart") for _ in range(3)]
    until(lambda: rabbitmq.waiting("apart") >= 3)
    with rabbitmq.channel() as channel:
        getattr(channel, loss)("apart")
    assert rabbitmq.waiting("apart") == 0
    until(lambda: rabbitmq.waiting("apart") >= len(jobs))


def test_the_first_message_after_a_restart_or_to_a_deleted_queue_arrives(
    rabbitmq: RabbitmqServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured: Any = project._broker(rabbitmq.url)
    own = import_string(configured["BROKER"])(middleware=[], **configured["OPTIONS"])
    monkeypatch.setattr("dramatiq.broker.global_broker", own)
    monkeypatch.setattr("pushjobs.broker.PATIENCE", 30)
    with closing(own):
        broker.send(uuid4(), 0, "own")
        rabbitmq.kill()
        rabbitmq.start()
        broker.send(uuid4(), 0, "own")
        assert rabbitmq.waiting("own") == 2
        with rabbitmq.channel() as channel:
            channel.queue_delete("own")
        broker.send(uuid4(), 0, "own")
        assert rabbitmq.waiting("own") == 1


def test_a_message_that_comes_again_starts_no_second_run(
    rabbitmq: RabbitmqServer, site: Site, client: Client, tmp_path: Path
) -> None:
    gate, started = tmp_path / "gate", tmp_path / "started"
    job = client.submit("test.hold", until=str(gate), started=str(started))
    until(lambda: len(starts(started)) == 1)
    message: dramatiq.Message[None] = dramatiq.Message("default", ACTOR, (job["id"], 0), {}, {})
    with rabbitmq.channel() as channel:
        for _ in range(8):
            channel.basic_publish("", "default", message.encode())
    assert succeeded(client, [client.submit("test.echo") for _ in range(8)])
    assert starts(started) == ["1"]
    gate.touch()
    assert succeeded(client, [job])


def test_the_job_of_a_killed_worker_runs_again_once_its_lease_is_over(
    site: Site, client: Client, tmp_path: Path
) -> None:
    gate, started = tmp_path / "gate", tmp_path / "started"
    job = client.submit("test.hold", until=str(gate), started=str(started))
    until(lambda: len(starts(started)) == 1)
    for worker in list(site.workers):  # Either may have it.
        site.kill(worker)
        site.start_worker("default", threads=2)
    until(lambda: len(starts(started)) == 2)
    gate.touch()
    assert client.finished(job)["attempt"] == 2
    assert starts(started) == ["1", "2"]
