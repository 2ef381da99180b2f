"""Several queues with workers for each, on every broker: who runs what, and what comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.contract.clients import Client, Document
from tests.integration.site import Site, running_site
from tests.rabbitmq_server import needs_rabbitmq, shares_rabbitmq
from tests.redis_server import running_redis


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("redis", marks=pytest.mark.xdist_group("queues")),
        pytest.param("rabbitmq", marks=[needs_rabbitmq, shares_rabbitmq]),
    ],
)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a broker of each kind."""
    if request.param == "rabbitmq":
        yield request.getfixturevalue("rabbitmq").url
    else:
        with running_redis(tmp_path_factory.mktemp("broker")) as server:
            yield server.url


@pytest.fixture(scope="module")
def site(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that has a worker for the queue ``default``."""
    with running_site(tmp_path_factory.mktemp("queues"), broker) as running:
        running.start_worker("default", threads=2)
        yield running


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client(site.server) as found:
        yield found


def results(client: Client, jobs: list[Document]) -> list[object]:
    return [client.finished(job)["result"] for job in jobs]


def test_a_job_waits_for_the_workers_of_its_queue_and_no_others_run_it(
    site: Site, client: Client
) -> None:
    apart = [client.submit("test.apart") for _ in range(8)]
    elsewhere = [client.submit("test.process") for _ in range(8)]
    (default,) = set(results(client, elsewhere))
    for job in apart:
        assert client.get(job["links"]["self"], job["token"]).json()["status"] == "queued"
    workers = [site.start_worker("apart", threads=1) for _ in range(2)]
    elsewhere = [client.submit("test.process") for _ in range(8)]
    assert default not in results(client, apart)
    assert set(results(client, elsewhere)) == {default}
    for worker in workers:
        site.kill(worker)


def test_the_most_urgent_runs_first_whichever_process_is_free(
    site: Site, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    notes = str(tmp_path_factory.mktemp("ranked") / "notes")
    ranks = ["low", "high", "low", "high", "low", "high", "low", "high"]
    jobs = [client.submit(f"test.{rank}", path=notes) for rank in ranks]
    workers = [site.start_worker("ranked", threads=1) for _ in range(2)]
    started: dict[str, list[datetime]] = {"low": [], "high": []}
    for rank, job in zip(ranks, jobs, strict=True):
        started[rank].append(datetime.fromisoformat(client.finished(job)["started_at"]))
    assert max(started["high"]) < min(started["low"])
    for worker in workers:
        site.kill(worker)
