"""What goes wrong, as the caller of a client sees it."""

from __future__ import annotations

from pushjobs.client.documents import Job, Problem


class ClientError(Exception):
    """Any error of a client."""


class Unreachable(ClientError):
    """The server did not answer, however often it was asked."""


class _ProblemError(ClientError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or "refused"))
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status; 0 where none was told."""
        status = self.problem.get("status")
        return status if isinstance(status, int) else 0

    @property
    def code(self) -> str:
        """What comes last in the problem's type, by which to decide: ``not-found``…"""
        return str(self.problem.get("type", "")).rpartition(":")[2]


class Refused(_ProblemError):
    """The server has refused a request, and would refuse it again."""

    def __str__(self) -> str:
        found = self.problem.get("errors")
        try:
            texts = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found or ()]
        except (LookupError, TypeError):
            texts = []
        if not texts:
            return super().__str__()
        return f"{super().__str__()}: {'; '.join(texts)}"


class JobFailed(_ProblemError):
    """The job has failed; ``problem`` is its error."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.error or {"title": "The job failed"})
        self.job = job


class JobCancelled(ClientError):
    """The job was cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__("the job was cancelled")
        self.job = job
