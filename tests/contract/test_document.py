"""The job document: what answers a submission, and what a client that polls reads."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from tests.contract.clients import Client, Document, bearer
from tests.contract.conftest import LogIn

MEMBERS = {
    *("id", "name", "status", "attempt", "max_attempts", "progress", "result", "error", "tags"),
    *("created_at", "run_at", "started_at", "finished_at", "expires_at", "cursor", "links"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_submission_is_answered_with_where_to_look(anyone: Client, gate: Path) -> None:
    response = anyone.post("test.hold", args={"until": str(gate)}, tags=["a", "b", "a"])
    job = response.json()
    own = f"/jobs/{job['id']}"
    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == own
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["link"] == f'<{own}/events>; rel="monitor"; type="text/event-stream"'
    assert "preference-applied" not in response.headers
    assert "idempotent-replayed" not in response.headers
    assert job.keys() == MEMBERS | {"token"}
    assert UUID(job["id"]).version == 7
    assert (job["name"], job["attempt"], job["max_attempts"]) == ("test.hold", 0, 3)
    assert job["status"] == "queued"
    assert job["tags"] == ["a", "b"]
    assert TIME.fullmatch(job["created_at"])
    assert job["links"] == {
        "self": own,
        "response": f"{own}/response",
        "events": f"{own}/events",
        "socket": "/jobs/socket",
        "cancel": f"{own}/cancel",
    }


def test_a_document_is_202_until_the_job_is_over_and_then_200(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    running = anyone.get(job["links"]["self"], job["token"])
    assert running.status_code == 202
    assert running.json().keys() == MEMBERS
    assert running.json()["status"] == "running"
    assert 1 <= int(running.headers["retry-after"]) <= 30
    assert 'rel="monitor"' in running.headers["link"]
    gate.touch()
    anyone.finished(job)
    over = anyone.get(job["links"]["self"], job["token"])
    assert over.status_code == 200
    assert "retry-after" not in over.headers
    document = over.json()
    assert (document["status"], document["result"]) == ("succeeded", "released")
    times = [document[name] for name in ("created_at", "started_at", "finished_at", "expires_at")]
    assert times == sorted(times)
    assert all(TIME.fullmatch(text) for text in times)


@pytest.mark.parametrize(
    ("name", "status"), [("test.refuse", "failed"), ("test.unstorable", "failed")]
)
def test_a_failed_job_is_200_and_says_why(anyone: Client, name: str, status: str) -> None:
    job = anyone.submit(name)
    anyone.finished(job)
    response = anyone.get(job["links"]["self"], job["token"])
    assert response.status_code == 200
    assert response.json()["status"] == status
    assert response.json()["error"]["type"].startswith("urn:pushjobs:problem:")


def test_an_etag_spares_what_is_known(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    anyone.started(job)
    url, token = job["links"]["self"], job["token"]
    etag = anyone.get(url, token).headers["etag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
        same = anyone.get(url, token, **{"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == etag
        assert "content-type" not in same.headers
    gate.touch()
    anyone.finished(job)
    changed = anyone.get(url, token, **{"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_a_wait_ends_upon_a_change(anyone: Client, gate: Path) -> None:
    accepted = anyone.post("test.hold_async", args={"until": str(gate)})
    job: Document = accepted.json()
    anyone.started(job)
    headers = {"Prefer": "wait=60", "If-None-Match": accepted.headers["etag"]}
    gone_by = anyone.get(job["links"]["self"], job["token"], **headers)
    assert gone_by.status_code == 202
    headers["If-None-Match"] = gone_by.headers["etag"]
    with ThreadPoolExecutor(1) as pool, Client(anyone.server) as other:
        waiting = pool.submit(other.get, job["links"]["self"], job["token"], **headers)
        gate.touch()
        response = waiting.result(timeout=20)
    assert response.status_code == 200
    assert response.json()["status"] == "succeeded"
    assert response.headers["preference-applied"] == "wait=60"


@pytest.mark.parametrize("path", ["", "/response"])
def test_a_wait_ends_without_a_change(anyone: Client, gate: Path, path: str) -> None:
    job = anyone.submit("test.hold_async", until=str(gate))
    document = anyone.started(job)
    before = time.monotonic()
    response = anyone.get(f"/jobs/{job['id']}{path}", job["token"], Prefer="wait=1")
    assert time.monotonic() > before
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert response.json()["started_at"] == document["started_at"]
    assert response.json()["status"] == "running"


def test_a_submission_can_wait_for_the_end(anyone: Client) -> None:
    response = anyone.post("test.echo", args={"value": 7}, headers={"Prefer": "wait=20"})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=20"
    assert response.headers["location"] == response.json()["links"]["self"]
    assert (response.json()["status"], response.json()["result"]) == ("succeeded", 7)
    assert response.json()["token"]


def test_a_submission_waits_no_longer_than_it_asks(anyone: Client, gate: Path) -> None:
    response = anyone.post(
        "test.hold", args={"until": str(gate)}, headers={"Prefer": "respond-async, wait=1"}
    )
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert response.json()["status"] == "running"


@pytest.mark.parametrize(
    "prefer",
    ["wait", "wait=", "wait=x", "wait=-1", "wait=1.5", 'wait="', "=5", ";;", "wait 5", ","],
)
def test_a_malformed_preference_is_ignored(anyone: Client, gate: Path, prefer: str) -> None:
    response = anyone.post("test.hold", args={"until": str(gate)}, headers={"Prefer": prefer})
    assert response.status_code == 202
    job: Document = response.json()
    for path in ("", "/response", "/events"):
        response = anyone.get(
            f"/jobs/{job['id']}{path}", job["token"], Prefer=prefer, Accept="application/json"
        )
        assert response.status_code in (200, 202)
        assert "preference-applied" not in response.headers


def test_a_job_runs_when_its_time_has_come(anyone: Client) -> None:
    later = anyone.post("test.echo", run_at="2099-01-01T01:00:00+01:00")
    job = later.json()
    assert later.status_code == 202
    assert (job["status"], job["run_at"]) == ("scheduled", "2099-01-01T00:00:00.000Z")
    assert int(later.headers["retry-after"]) == 30
    past = anyone.post("test.echo", run_at="2020-01-01T00:00:00Z").json()
    assert anyone.finished(past)["status"] == "succeeded"
    assert anyone.get(job["links"]["self"], job["token"]).json()["status"] == "scheduled"


def test_progress_shows_in_the_document(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.talk", words=4, until=str(gate))
    document = anyone.until(job, lambda found: (found["progress"] or {}).get("done") == 4)
    expected = {"done": 4, "total": 4, "percent": 100.0, "message": "said 4"}
    assert document["progress"] == expected
    gate.touch()
    assert anyone.finished(job)["progress"] == expected


def test_only_those_submit_who_may(anyone: Client, log_in: LogIn) -> None:
    ann, staff = log_in("ann"), log_in("staff")
    args = {"args": {"left": 1}}
    refused = anyone.post("test.add", **args)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert ann.post("test.add", **args).status_code == 202
    assert ann.post("test.staff").status_code == 403
    assert staff.post("test.staff").status_code == 202


def test_a_session_needs_its_csrf_token_to_submit(log_in: LogIn) -> None:
    ann = log_in("ann")
    del ann.http.headers["X-CSRFToken"]
    response = ann.post("test.echo")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert "CSRF" in response.json()["detail"]


def test_a_job_with_a_token_needs_no_csrf_token(log_in: LogIn, gate: Path) -> None:
    ann = log_in("ann")
    job = ann.submit("test.hold", until=str(gate))
    del ann.http.headers["X-CSRFToken"]
    assert ann.http.post(job["links"]["cancel"]).status_code == 403
    assert ann.cancel(job).status_code in (200, 202), "cancelled at once, or to be told"


def test_a_token_says_until_when_it_is_valid(log_in: LogIn) -> None:
    ann = log_in("ann")
    asked = {"channels": ["user:me", "tag:a"], "scope": ["read", "cancel"], "expires_in": 60}
    made = ann.http.post("/jobs/tokens", json=asked)
    assert made.status_code == 200
    assert made.json().keys() == {"token", "expires_at"}
    assert TIME.fullmatch(made.json()["expires_at"])
    job = ann.submit("test.echo", tags=("a",))
    ann.finished(job)
    read = anyone_reads(ann, job, made.json()["token"])
    assert read == "succeeded"


def anyone_reads(client: Client, job: Document, token: str) -> str:
    with Client(client.server) as phone:
        return str(phone.http.get(job["links"]["self"], headers=bearer(token)).json()["status"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"channels": []}, 422),
        ({"channels": ["user:me"], "scope": ["all"]}, 422),
        ({"channels": ["user:me"], "expires_in": 0}, 422),
        ({"channels": ["user:me"], "more": 1}, 422),
        ({"channels": ["user:you"]}, 404),
        ({"channels": ["job:01a1ff2a-2188-74e6-bdad-235d95a12b6f"]}, 400),
        ({}, 422),
        ([], 400),
    ],
)
def test_a_token_that_cannot_be_made_is_a_problem(log_in: LogIn, body: object, status: int) -> None:
    response = log_in("ann").http.post("/jobs/tokens", json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
