"""``project.demo.views``: a slow report, as a page and as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from pushjobs.testing import JobClient, record_events
from tests.unit.conftest import Postbox

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "?below=1000&steps=7&pause=0"


def test_the_report_counts_primes(postbox: Postbox) -> None:
    client = JobClient()
    assert client.get("/demo/report.json" + ASKED).json() == {
        "below": 1000,
        "primes": 168,
        "largest": 997,
    }
    assert client.get("/demo/report.json?below=2&pause=0").json()["primes"] == 0
    assert postbox.messages == []


def test_the_page_is_made_in_the_background_and_says_how_far_it_is(postbox: Postbox) -> None:
    client = JobClient()
    accepted = client.get("/demo/report" + ASKED, headers={"Accept": "text/html"})
    assert (accepted.status_code, len(postbox.messages)) == (303, 1)
    with record_events() as events:
        page = client.follow(accepted)
    assert "<strong>168</strong>" in page.text
    assert any(event.type == "job.progress" for event in events)


@pytest.mark.parametrize("query", ["?below=0", "?steps=many", "?pause=3"])
def test_a_report_that_cannot_be_made_is_refused(query: str) -> None:
    assert JobClient().get("/demo/report.json" + query).status_code == 400
    client = JobClient()
    answer: Any = client.follow(client.get("/demo/report" + query, headers={"Accept": "text/html"}))
    assert answer.status_code == 400
