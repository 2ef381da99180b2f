"""What is told of a job that retention removes, or is about to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.management import call_command

from pushjobs import files, responsepage, submission, submit, tokens
from pushjobs.exceptions import Gone
from pushjobs.models import Job
from tests.unit.asgi import Answer, ask
from tests.unit.jobs import fresh, make
from tests.unit.kept import past, with_file

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media", "recorder", "postbox"),
]


@sync_to_async
def made(make_it: Callable[[], Any]) -> Any:
    return make_it()


async def read(path: str, of: UUID) -> Answer:
    """Ask with the token of a job."""
    return await ask("GET", path, authorization=f"Bearer {tokens.for_job(of)}")


@pytest.mark.parametrize("path", ["", "/response", "/events"])
async def test_a_removed_job_is_gone_for_its_token_and_unknown_to_any_other(path: str) -> None:
    job, other = await made(past), await made(make)
    await made(lambda: call_command("prune_jobs", verbosity=0))
    answers = [await read(f"/jobs/{job.id}{path}", of) for of in (job.id, other.id)]
    assert [answer.status for answer in answers] == [410, 404]
    assert (await read(f"/jobs/{uuid4()}{path}", job.id)).status == 404


def test_a_key_gives_its_job_for_as_long_as_that_is_there() -> None:
    first = submit("test.echo", idempotency_key="k")
    Job.objects.update(status="succeeded", announced=9)
    call_command("prune_jobs", verbosity=0)
    assert submit("test.echo", idempotency_key="k").id == first.id
    Job.objects.update(expires_at=first.created_at)
    call_command("prune_jobs", verbosity=0)
    assert submit("test.echo", idempotency_key="k").id != first.id


async def test_a_result_whose_file_has_gone_before_its_row_is_gone() -> None:
    job = await made(with_file)
    await made(lambda: files.delete(job.response_file))
    answer = await read(f"/jobs/{job.id}/response", job.id)
    assert (answer.status, b"no longer kept" in answer.body) == (410, True)


def test_a_job_that_is_removed_while_it_is_read_is_gone(rf: Any) -> None:
    job = make("succeeded")
    Job.objects.all().delete()
    with pytest.raises(Gone):
        responsepage.outcome(rf.get("/"), job, own=True)


def test_a_job_whose_files_have_gone_before_its_row_cannot_be_retried() -> None:
    job = submit("test.digest", data=ContentFile(b"data", name="a"))
    Job.objects.update(status="failed")
    files.delete_all(job.id)
    with pytest.raises(Gone):
        submission.again(fresh(job), owner=None)
