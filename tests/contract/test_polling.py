"""What is particular to polling for events."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.contract.clients import Client, Document
from tests.contract.conftest import LogIn

ACCEPT = {"Accept": "application/json"}


def page_of(client: Client, job: Document, cursor: str | None, **headers: str) -> dict[str, Any]:
    url = job["links"]["events"] + (f"?cursor={cursor}" if cursor is not None else "")
    response = client.get(url, job["token"], **ACCEPT, **headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    page: dict[str, Any] = response.json()
    assert page.keys() == {"events", "cursor", "recovered", "ended", "more"}
    return page


def test_a_page_holds_what_there_is_and_where_to_go_on(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    anyone.started(job)
    page = page_of(anyone, job, job["cursor"])
    assert [item["event"]["type"] for item in page["events"]] == ["job.queued", "job.started"]
    assert page["cursor"] == page["events"][-1]["cursor"]
    assert (page["recovered"], page["ended"], page["more"]) == (True, False, False)
    empty = page_of(anyone, job, page["cursor"])
    assert (empty["events"], empty["cursor"], empty["ended"]) == ([], page["cursor"], False)
    gate.touch()
    anyone.finished(job)
    last = page_of(anyone, job, page["cursor"])
    assert [item["event"]["type"] for item in last["events"]] == ["job.succeeded"]
    assert last["ended"] is True
    over = page_of(anyone, job, last["cursor"])
    assert over == {
        "events": [],
        "cursor": last["cursor"],
        "recovered": True,
        "ended": True,
        "more": False,
    }


def test_a_page_waits_for_the_next_event(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    anyone.started(job)
    cursor = page_of(anyone, job, None)["cursor"]
    with ThreadPoolExecutor(1) as pool, Client(anyone.server) as other:
        waiting = pool.submit(page_of, other, job, cursor, Prefer="wait=60")
        gate.touch()
        page = waiting.result(timeout=20)
    assert [item["event"]["type"] for item in page["events"]] == ["job.succeeded"]


def test_a_wait_that_ends_gives_an_empty_page(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    anyone.started(job)
    cursor = page_of(anyone, job, None)["cursor"]
    url = f"{job['links']['events']}?cursor={cursor}"
    response = anyone.get(url, job["token"], **ACCEPT, Prefer="wait=1")
    assert response.headers["preference-applied"] == "wait=1"
    assert response.json()["events"] == []
    assert response.json()["cursor"] == cursor


def test_a_long_story_comes_in_pages(anyone: Client) -> None:
    job = anyone.submit("test.flood", chunks=700, size=16_000)
    anyone.finished(job)
    cursor, told, pages = "earliest", [], 0
    while True:
        page = page_of(anyone, job, cursor)
        told += page["events"]
        cursor, pages = page["cursor"], pages + 1
        assert page["more"] or page["ended"]
        if page["ended"]:
            break
        assert page["events"]
    assert told[-1]["event"]["type"] == "job.succeeded"
    assert len({item["cursor"] for item in told}) == len(told)
    assert pages < 100


def test_channels_of_many_jobs_have_pages_too(log_in: LogIn) -> None:
    ann = log_in("ann")
    jobs = [ann.submit("test.echo", tags=("a",)) for _ in range(3)]
    for job in jobs:
        ann.finished(job)
    params = {"channel": ["user:me", "tag:a"], "cursor": "earliest"}
    page = ann.http.get("/jobs/events", params=params, headers=ACCEPT).json()
    for name in params["channel"]:
        told = [item["event"] for item in page["events"] if item["event"]["channel"] == name]
        assert {event["job"] for event in told} == {job["id"] for job in jobs}
        assert [event["type"] for event in told].count("job.succeeded") == 3
    assert page["ended"] is False
