"""The public names as a project uses them; mypy in strict mode is the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, assert_type
from uuid import UUID

from pushjobs import Failed, FileResult, InputFile, Run, asubmit, job, submit
from pushjobs.models import Job


@job
def plain(left: int, right: int = 0) -> int:
    return left + right


@job(max_attempts=3, time_limit=600, allow="anyone")
def profile(run: Run, table: InputFile, top: int = 10) -> dict[str, int]:
    for row in run.track(["a", "b"]):
        assert_type(row, str)
    run.emit("text", stream="output")
    run.progress(1, 2.5, "half")
    assert_type(run.cancelled, bool)
    assert_type(run.attempt, int)
    assert_type(run.job_id, UUID)
    assert_type(table.name, str)
    with table.open() as handle, table.local_path() as path:
        assert_type(handle.read(), bytes)
        assert_type(path.read_text(), str)
    return {"rows": top}


@job(allow=lambda user: bool(user.is_staff))
async def later(run: Run) -> FileResult:
    raise Failed("no more seats", status_code=409, seats=0)


@job(name="greet")
class Greeting:
    def execute(self, name: str) -> str:
        return name


handler: Callable[[int, int], int] = plain
assert_type(plain(1, right=2), int)
assert_type(Greeting().execute("x"), str)


def calls(run: Run, numbers: Iterator[float]) -> None:
    assert_type(run.track(numbers, total=3), Iterator[float])
    assert_type(submit(plain, left=1, delay=timedelta(seconds=1), tags=["a"]), Job)
    assert_type(submit("greet", {"name": "x"}, owner=None, idempotency_key="k").id, UUID)


async def awaits() -> None:
    assert_type(await asubmit(plain, left=1, delay=2.5), Job)


def mistakes(run: Run) -> None:
    """Each of these is an error that mypy must see; an unused ignore is one as well."""
    plain("one")  # type: ignore[arg-type]
    run.emit(b"bytes")  # type: ignore[arg-type]
    run.progress("half")  # type: ignore[arg-type]
    submit(plain, tags=[1])  # type: ignore[list-item]
    job(max_attempts="three")  # type: ignore[call-overload]
    Failed("no", status_code="409")  # type: ignore[arg-type]
    value: Any = submit(plain)
    del value
