"""Cancel and retry."""

from __future__ import annotations

from pathlib import Path

from tests.contract.clients import Client, Document, bearer
from tests.contract.conftest import LogIn


def scheduled(client: Client) -> Document:
    job: Document = client.post("test.echo", run_at="2099-01-01T00:00:00Z").json()
    assert job["status"] == "scheduled"
    return job


def test_a_job_that_waits_is_cancelled_at_once(anyone: Client) -> None:
    job = scheduled(anyone)
    response = anyone.cancel(job)
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"
    again = anyone.cancel(job)
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")


def test_a_job_that_runs_is_asked_to_stop(anyone: Client, gate: Path) -> None:
    job = anyone.submit("test.hold", until=str(gate))
    anyone.started(job)
    response = anyone.cancel(job)
    assert response.status_code == 202
    assert response.json()["status"] == "running"
    assert anyone.finished(job)["status"] == "cancelled"


def test_a_job_that_has_ended_cannot_be_cancelled(anyone: Client) -> None:
    job = anyone.submit("test.echo")
    anyone.finished(job)
    response = anyone.cancel(job)
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"


def test_owners_cancel_by_their_session(log_in: LogIn) -> None:
    ann, bob = log_in("ann"), log_in("bob")
    job = scheduled(ann)
    assert bob.http.post(job["links"]["cancel"]).status_code == 404
    assert ann.http.post(job["links"]["cancel"]).status_code == 200


def test_a_users_token_cancels_where_its_scope_says_so(log_in: LogIn) -> None:
    ann = log_in("ann")
    job = scheduled(ann)

    def cancel(*scope: str) -> int:
        asked = {"channels": ["user:me"], "scope": scope}
        token = ann.http.post("/jobs/tokens", json=asked).json()["token"]
        return ann.http.post(job["links"]["cancel"], headers=bearer(token)).status_code

    assert cancel("read") == 404
    assert cancel("read", "cancel") == 200


def retry(client: Client, job: Document) -> Document:
    response = client.http.post(f"/jobs/{job['id']}/retry", headers=bearer(job["token"]))
    assert response.status_code == 202, response.text
    again: Document = response.json()
    assert response.headers["location"] == again["links"]["self"]
    return again


def test_a_failed_job_is_retried_as_a_new_one(anyone: Client) -> None:
    job = anyone.submit("test.refuse", message="full", tags=("a",))
    anyone.finished(job)
    again = retry(anyone, job)
    assert again["id"] != job["id"]
    assert (again["name"], again["tags"], again["attempt"]) == ("test.refuse", ["a"], 0)
    assert anyone.finished(again)["error"]["detail"] == "full"
    assert anyone.finished(job)["status"] == "failed"


def test_a_cancelled_job_is_retried_with_its_file(anyone: Client, log_in: LogIn) -> None:
    ann = log_in("ann")
    files = {"data": ("numbers.bin", b"0123456789")}
    fields = {"name": "test.digest", "run_at": "2099-01-01T00:00:00Z"}
    job = ann.http.post("/jobs", data=fields, files=files).json()
    assert ann.cancel(job).status_code == 200
    result = anyone.finished(retry(anyone, job))["result"]
    assert (result["name"], result["size"]) == ("numbers.bin", 10)


def test_a_job_that_has_not_failed_is_not_retried(anyone: Client) -> None:
    done, waiting = anyone.submit("test.echo"), scheduled(anyone)
    anyone.finished(done)
    for job in (done, waiting):
        response = anyone.http.post(f"/jobs/{job['id']}/retry", headers=bearer(job["token"]))
        assert response.status_code == 409
