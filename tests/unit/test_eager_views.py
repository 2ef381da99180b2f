"""Where jobs run eagerly, a view that is put off has run when its client is answered."""

from __future__ import annotations

import pytest
from django.test import Client

from pushjobs.models import Job
from tests.unit.conftest import Configure

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.unit.deferred_views"),
    pytest.mark.usefixtures("recorder"),
]


@pytest.mark.parametrize(("accept", "status"), [("application/json", 202), ("text/html", 303)])
def test_the_response_is_there_at_the_url_that_the_client_is_sent_to(
    configure: Configure, accept: str, status: int
) -> None:
    configure(EAGER=True)
    client = Client(headers={"accept": accept})
    answer = client.get("/always?a=1")
    assert answer.status_code == status
    job = Job.objects.get()
    assert (job.status, answer["Location"]) == ("succeeded", f"/jobs/{job.id}/response")
    own = {} if status == 303 else {"Authorization": f"Bearer {answer.json()['token']}"}
    response, direct = client.get(answer["Location"], headers=own), client.get("/plain?a=1")
    assert (response.status_code, response.content) == (direct.status_code, direct.content)
