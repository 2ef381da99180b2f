"""Jobs that do as they are told, the bad things included."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import os
import time
from pathlib import Path
from typing import Annotated, Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from pydantic import Field

from pushjobs import Failed, FileResult, InputFile, Run, job


@job(name="test.echo", allow="anyone")
def echo(value: Any = None) -> Any:
    """Succeeds at once with what it was given."""
    return value


@job(name="test.add")
def add(left: int, right: Annotated[int, Field(ge=0)] = 0) -> int:
    """For logged-in users only."""
    return left + right


@job(name="test.staff", allow="staff")
def for_staff() -> str:
    return "done"


@job(name="test.talk", allow="anyone", max_attempts=1)
def talk(run: Run, words: int = 5, pause: float = 0.0, until: str = "") -> dict[str, int]:
    """Emits numbered words with progress; then waits until the file ``until`` exists."""
    for number in range(words):
        run.emit(f"word-{number} ")
        run.progress(number + 1, words, f"said {number + 1}")
        if pause:
            time.sleep(pause)
    _wait_for(run, until)
    return {"words": words}


@job(name="test.recite", allow="anyone", max_attempts=3)
def recite(run: Run, script: str) -> int:
    """Emits each line that is added to the file ``script``, until one is ``end``."""
    told = 0
    while not run.cancelled:
        path = Path(script)
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        for line in lines[told:]:
            if not line.endswith("\n"):
                break
            if line == "end\n":
                return told
            run.emit(line)
            told += 1
        time.sleep(0.01)
    return told


@job(name="test.hold", allow="anyone", max_attempts=3)
def hold(run: Run, until: str, started: str = "") -> str:
    """Makes the file ``started``, then waits until the file ``until`` exists, if not cancelled."""
    if started:
        with Path(started).open("a") as handle:
            handle.write(f"{run.attempt}\n")
    run.emit("holding\n")
    _wait_for(run, until)
    return "released"


def _wait_for(run: Run, until: str) -> None:
    while until and not Path(until).exists():
        if run.cancelled:
            return
        time.sleep(0.01)


@job(name="test.hold_async", allow="anyone")
async def hold_async(run: Run, until: str) -> str:
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    return "released"


@job(name="test.stubborn", allow="anyone", max_attempts=1, time_limit=60)
def stubborn(until: str = "") -> str:
    """Never looks whether it is to stop."""
    while not (until and Path(until).exists()):
        time.sleep(0.01)
    return "released"


@job(name="test.deaf", allow="anyone", max_attempts=1, time_limit=60)
def deaf(until: str) -> str:
    """Heeds no interrupt either."""
    while True:
        try:
            while not Path(until).exists():
                time.sleep(0.01)
            return "released"
        except BaseException:
            continue


@job(name="test.once", allow="anyone", time_limit=60)
def once(run: Run, until: str) -> str:
    """Begins what may not be done twice."""
    run.unrepeatable = True
    return stubborn(until)


@job(name="test.owner_async", allow="anyone")
async def owner_async(run: Run) -> str:
    return str(run.owner)


@job(name="test.slow", allow="anyone", max_attempts=3, time_limit=0.3)
def slow() -> str:
    """Takes longer than it may."""
    time.sleep(0.01)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(0.01)
    return "late"


@job(name="test.fail", allow="anyone", max_attempts=2)
def fail(run: Run, secret: str = "/etc/secret-path") -> None:
    """Raises an exception whose text is nobody's business."""
    run.emit(f"attempt {run.attempt}\n")
    raise ValueError(f"cannot open {secret}")


@job(name="test.flaky", allow="anyone", max_attempts=3)
def flaky(run: Run, good_on: int = 2) -> int:
    """Fails until its attempt ``good_on``."""
    run.emit(f"attempt {run.attempt}\n")
    if run.attempt < good_on:
        raise ConnectionError("not yet")
    return run.attempt


@job(name="test.refuse", allow="anyone")
def refuse(message: str = "no more seats", status_code: int = 409) -> None:
    raise Failed(message, status_code=status_code, seats=0)


@job(name="test.unstorable", allow="anyone")
def unstorable() -> Any:
    return object()


@job(name="test.flood", allow="anyone", max_attempts=1)
def flood(run: Run, chunks: int, size: int = 1000) -> int:
    """Prints ``chunks`` × ``size`` characters as fast as it can."""
    for number in range(chunks):
        run.emit(f"{number:>10}".ljust(size, "."))
    return chunks


@job(name="test.count", allow="anyone", max_attempts=1)
def count(run: Run, to: int) -> int:
    """Tells far more progress than anyone can read."""
    for number in run.track(range(to)):
        del number
    return to


@job(name="test.names", allow="anyone")
def names(tables: Annotated[list[InputFile], Field(max_length=2)] | None = None) -> list[str]:
    return [table.name for table in tables or ()]


@job(name="test.digest", allow="anyone")
def digest(data: InputFile, note: str = "", extra: InputFile | None = None) -> dict[str, Any]:
    with data.open() as handle:
        found = hashlib.sha256(handle.read()).hexdigest()
    assert found == data.sha256
    return {"name": data.name, "size": data.size, "sha256": found, "note": note, "two": bool(extra)}


@job(name="test.result", allow="anyone")
def result(kind: str, path: str = "") -> Any:
    """One of each kind of result."""
    match kind:
        case "text":
            return "plain ✓"
        case "bytes":
            return b"\x00\x01\xff"
        case "none":
            return None
        case "pair":
            return 201, {"made": True}
        case "http":
            response = HttpResponse("<p>hi</p>", status=203)
            response["X-Made-By"] = "job"
            response.set_cookie("flavour", "oat")
            return response
        case "http-json":
            return JsonResponse({"ok": True}, status=418)
        case "big":
            return {"text": "x" * 40_000}
        case "file":
            return FileResult(
                path, filename="report ü.csv", content_type="text/csv", data={"rows": 2}
            )
        case "file-gone":
            return FileResult("/nowhere/at/all.csv")
        case "nan":
            return {"value": float("nan")}
        case _:
            return {"dates": datetime.date(2026, 1, 2)}


@job(name="test.class", allow="anyone")
class Greeting:
    """A class with ``execute`` is a handler as well."""

    def execute(self, run: Run, name: str) -> str:
        run.emit("thinking\n")
        return f"Hello, {name}!"


@job(name="test.low", allow="anyone", queue="ranked", priority=10)
def low(path: str) -> None:
    _note(path, "low")


@job(name="test.high", allow="anyone", queue="ranked", priority=-10)
def high(path: str) -> None:
    _note(path, "high")


def _note(path: str, text: str) -> None:
    with Path(path).open("a") as handle:
        handle.write(text + "\n")


@job(name="test.pour", allow="anyone", max_attempts=1)
def pour(run: Run, chunks: int, size: int = 10_000, pause: float = 0.005) -> int:
    """Prints much, but no faster than a client at work can read."""
    for number in range(chunks):
        run.emit(f"{number:>10}".ljust(size, "."))
        time.sleep(pause)
    return chunks


@job(name="test.endless", allow="anyone", max_attempts=1, time_limit=0.3)
def endless() -> StreamingHttpResponse:
    """Returns at once, with a response that never ends."""
    return StreamingHttpResponse(b"." for _ in iter(int, 1))


@job(name="test.odd_text", allow="anyone", max_attempts=2)
def odd_text(final: bool) -> None:
    """Fails with what no database keeps: a lone surrogate, a NUL, a date among the members."""
    if final:
        raise Failed("caf\udce9\x00", since=datetime.date(2026, 1, 2), at={"\udce9": {1}})
    raise ValueError("caf\udce9\x00")


@job(name="test.apart", allow="anyone", queue="apart")
def apart() -> int:
    """Says which process ran it: one that serves the queue ``apart``."""
    return os.getpid()


@job(name="test.process", allow="anyone")
def process() -> int:
    """Says which process ran it."""
    return os.getpid()
