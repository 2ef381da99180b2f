"""``GET /jobs``: the caller's jobs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.clients import Client
from tests.contract.conftest import LogIn


@pytest.fixture
def ann(log_in: LogIn) -> Client:
    """One who has three jobs that are over, and one that is scheduled."""
    client = log_in("ann")
    jobs = [
        client.submit("test.echo", tags=("red",)),
        client.submit("test.refuse", tags=("red", "blue")),
        client.submit("test.echo"),
    ]
    for job in jobs:
        client.finished(job)
    client.post("test.echo", run_at="2099-01-01T00:00:00Z")
    return client


def listed(client: Client, **params: Any) -> list[tuple[str, str]]:
    response = client.http.get("/jobs", params=params)
    assert response.status_code == 200, response.text
    return [(job["name"], job["status"]) for job in response.json()["jobs"]]


def test_the_list_holds_the_callers_jobs_the_newest_first(ann: Client, log_in: LogIn) -> None:
    log_in("bob").submit("test.echo")
    assert listed(ann) == [
        ("test.echo", "scheduled"),
        ("test.echo", "succeeded"),
        ("test.refuse", "failed"),
        ("test.echo", "succeeded"),
    ]
    assert all("token" not in job for job in ann.get("/jobs").json()["jobs"])


def test_filters_narrow_the_list(ann: Client) -> None:
    assert len(listed(ann, status="succeeded")) == 2
    assert listed(ann, name="test.refuse") == [("test.refuse", "failed")]
    assert len(listed(ann, tag="red")) == 2
    assert listed(ann, tag="red", status="failed") == [("test.refuse", "failed")]
    assert listed(ann, tag="nothing") == listed(ann, name="nothing") == []


def test_another_users_tag_of_the_same_name_is_another(ann: Client, log_in: LogIn) -> None:
    assert listed(log_in("bob"), tag="red") == []


def test_pages_follow_one_another(ann: Client) -> None:
    whole = [job["id"] for job in ann.get("/jobs").json()["jobs"]]
    found: list[str] = []
    after: dict[str, str] = {}
    sizes = []
    while True:
        page = ann.http.get("/jobs", params={"limit": 3, **after}).json()
        found += [job["id"] for job in page["jobs"]]
        sizes.append(len(page["jobs"]))
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == whole
    assert sizes == [3, 1]


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"status": "x"}])
def test_a_filter_that_makes_no_sense_is_told(ann: Client, params: dict[str, Any]) -> None:
    response = ann.http.get("/jobs", params=params)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["loc"][-1] == next(iter(params))
    assert error["msg"]


def test_a_page_after_no_id_is_not_found(ann: Client) -> None:
    assert ann.http.get("/jobs", params={"after": "no-uuid"}).status_code == 404


def test_a_users_token_lists_what_it_names(ann: Client) -> None:
    made = ann.http.post("/jobs/tokens", json={"channels": ["tag:red"]}).json()
    with Client(ann.server) as phone:
        phone.http.headers["Authorization"] = f"Bearer {made['token']}"
        assert len(listed(phone, tag="red")) == 2
        assert phone.get("/jobs").status_code == 404
        assert phone.http.get("/jobs", params={"tag": "blue"}).status_code == 404
