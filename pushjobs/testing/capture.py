"""Jobs that are accepted and kept from running, and jobs that run inside ``submit``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, overload
from unittest.mock import patch
from uuid import UUID

from django.test import override_settings

from pushjobs import conf, lifecycle, submission
from pushjobs.models import Job
from pushjobs.registry import name_of
from pushjobs.testing.commits import commits
from pushjobs.testing.foreground import foreground


class CapturedJobs(Sequence[Job]):
    """The jobs that were accepted, in that order, each as the database has it now.

    One whose transaction was rolled back is not among them.
    """

    def __init__(self) -> None:
        self._ids: list[UUID] = []

    def add(self, job: Job) -> None:
        self._ids.append(job.pk)

    def named(self, handler: Any) -> list[Job]:
        """Those of one job, given by its name or by what ``@job`` decorated."""
        name = name_of(handler)
        return [job for job in self if job.name == name]

    def __len__(self) -> int:
        return len(self._jobs())

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Job]: ...
    def __getitem__(self, index: int | slice) -> Job | Sequence[Job]:
        return self._jobs()[index]

    def __repr__(self) -> str:
        return f"<CapturedJobs {self._jobs()!r}>"

    def _jobs(self) -> list[Job]:
        found = Job.objects.in_bulk(self._ids)
        return [found[pk] for pk in self._ids if pk in found]


@contextmanager
def capture_jobs() -> Iterator[CapturedJobs]:
    """While inside, jobs are validated, written and told of, but neither run nor sent to a broker.

    Those of other threads as well, and whatever ``EAGER`` says. They stay queued, or scheduled;
    ``run_jobs`` runs them. It may be entered again inside: both see the job.
    """
    captured, admit = CapturedJobs(), lifecycle.admit

    def note(job: Job, **options: Any) -> None:
        admit(job, **options)
        captured.add(job)

    with (
        patch.object(lifecycle, "admit", note),
        patch.object(submission, "send", lambda *_, **__: None),
        foreground(),
    ):
        yield captured


@contextmanager
def eager_jobs() -> Iterator[None]:
    """While inside, a job runs inside ``submit``, its retries included: ``EAGER``.

    It runs once the transaction of the code that submits it commits; a test's own transaction,
    which never does, does not count.
    """
    with override_settings(PUSHJOBS={**conf.configured(), "EAGER": True}), commits(), foreground():
        yield
