"""Exit codes."""

from __future__ import annotations

from enum import IntEnum

from pushjobs.client.errors import ClientError
from pushjobs.status import Status


class Exit(IntEnum):
    """What became of the job, or of the command."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    CANCELLED = 3
    REFUSED = 4
    UNREACHABLE = 5
    INTERRUPTED = 130
    PIPE = 141


_OF = {
    Status.SUCCEEDED: Exit.SUCCEEDED,
    Status.FAILED: Exit.FAILED,
    Status.CANCELLED: Exit.CANCELLED,
}


def of_status(status: Status | None) -> Exit:
    """That of a job that is over. Raises ``ClientError`` for one that is not."""
    if status not in _OF:
        raise ClientError("the server says that all was told, though the job is not over")
    return _OF[status]
