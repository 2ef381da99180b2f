"""The client for Python as a program uses it; mypy in strict mode is the test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import httpx

from pushjobs.client import (
    AsyncClient,
    Client,
    Event,
    Job,
    JobFailed,
    JobList,
    JobState,
    Patience,
    Progress,
    Refused,
    reduce,
)
from pushjobs.status import Status


async def token() -> str:
    return "jwt"


def blocks() -> None:
    with Client("https://host", token=lambda: "jwt", headers={"Cookie": "a=b"}) as client:
        assert_type(client, Client)
        job = client.submit("name", {"top": 3}, files={"table": Path("a.csv")}, wait=5)
        assert_type(job, Job)
        assert_type(job.status, Status)
        assert_type(job.progress, Progress | None)
        assert_type(job.error, Mapping[str, Any] | None)
        assert_type(job.created_at, datetime)
        state = JobState()
        for event in client.follow(job, cursor="earliest"):
            assert_type(event, Event)
            assert_type(event.cursor, str | None)
            state = reduce(state, event)
        assert_type(state.output, str)
        assert_type(client.response("id", timeout=5), httpx.Response)
        assert_type(client.list(status=Status.RUNNING, tag="a"), JobList)
        assert_type([found.id for found in client.list()], list[str])
        assert_type(client.cancel(job), Job)
        try:
            client.result(job, timeout=2.5)
        except JobFailed as failed:
            assert_type(failed.job, Job)
            assert_type(failed.status, int)
        except Refused as refused:
            assert_type(refused.code, str)


async def awaits() -> None:
    async with AsyncClient("https://host", token=token, transports=["sse"]) as client:
        assert_type(client, AsyncClient)
        job = await client.submit("name", files={"tables": [("a.csv", b""), Path("b.csv")]})
        async for event in client.follow("user:me"):
            assert_type(event, Event)
        assert_type(await client.retry(job), Job)


def mistakes(client: Client, job: Job) -> None:
    """Each of these is an error that mypy must see; an unused ignore is one as well."""
    client.submit("name", files={"table": "a.csv"})  # type: ignore[dict-item]
    client.submit("name", run_at="2030-01-01")  # type: ignore[arg-type]
    client.follow(7)  # type: ignore[arg-type]
    client.list(staus="running")  # type: ignore[call-arg]
    job.status = Status.FAILED  # type: ignore[misc]
    Client("https://host", transports=1)  # type: ignore[arg-type]
    Client("https://host", patience=5)  # type: ignore[arg-type]
    Client("https://host", token=token)  # type: ignore[arg-type]
    Patience(opening="5")  # type: ignore[arg-type]
