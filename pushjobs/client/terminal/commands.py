"""What each command does; each returns the exit code."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from pushjobs.client.client import Client
from pushjobs.client.documents import UNREADABLE, Job
from pushjobs.client.endpoint import Endpoint
from pushjobs.client.errors import ClientError, Refused
from pushjobs.client.ladder import Transport
from pushjobs.client.state import JobState, reduce
from pushjobs.client.terminal.arguments import UsageError
from pushjobs.client.terminal.display import display, printable, write_json
from pushjobs.client.terminal.outcome import Exit, of_status
from pushjobs.client.terminal.printing import members_of, print_job, print_response, print_value
from pushjobs.status import Status

Options = argparse.Namespace


def submit(options: Options) -> int:
    args: dict[str, Any] = {}
    files: dict[str, list[Any]] = {}
    for kind, key, value in options.items:
        if kind == "file":
            files.setdefault(key, []).append(value)
        elif key in args:
            raise UsageError(f"{key} is given twice")
        else:
            args[key] = value
    with _client(options, options.url) as client:
        job = client.submit(
            options.name,
            args,
            files=files,
            tags=options.tag,
            run_at=options.run_at,
            idempotency_key=options.idempotency_key,
        )
        url = Endpoint.of(options.url).job(job.id)
        if options.follow:
            return _follow(client, job, None, url, options)
        if options.wait:
            return _wait(client, job, url, options)
        print_job(job, url, options)
    return Exit.SUCCEEDED


def follow(options: Options) -> int:
    endpoint, job_id = _job(options)
    with _client(options, endpoint.base) as client:
        url = endpoint.job(job_id)
        return _follow(client, f"job:{job_id}", options.cursor, url, options)


def result(options: Options) -> int:
    endpoint, job_id = _job(options)
    with _client(options, endpoint.base) as client:
        job = client.get(job_id)
        answer = client.response(job, options.timeout)
        job = client.get(job)
    if options.output is not None and job.status is Status.SUCCEEDED:
        options.output.write_bytes(answer.content)
    else:
        print_response(answer, options)
    return of_status(job.status)


def cancel(options: Options) -> int:
    endpoint, job_id = _job(options)
    with _client(options, endpoint.base) as client:
        print_job(client.cancel(job_id), endpoint.job(job_id), options)
    return Exit.SUCCEEDED


def retry(options: Options) -> int:
    endpoint, job_id = _job(options)
    with _client(options, endpoint.base) as client:
        job = client.retry(job_id)
        print_job(job, endpoint.job(job.id), options)
    return Exit.SUCCEEDED


def list_(options: Options) -> int:
    with _client(options, options.url) as client:
        found = client.list(
            status=options.status,
            name=options.name,
            tag=options.tag,
            limit=options.limit,
            after=options.after,
        )
    if options.json:
        for job in found:
            write_json(sys.stdout, members_of(job))
        return Exit.SUCCEEDED
    table = Table("id", "name", "status", "created", box=None, pad_edge=False)
    for job in found:
        table.add_row(
            printable(job.id), printable(job.name), str(job.status), f"{job.created_at:%F %T}"
        )
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 200  # What is cut off cannot be read by anyone.
    console.print(table)
    if found.next is not None:
        sys.stderr.write(f"more with --after {printable(shlex.quote(found.next))}\n")
    return Exit.SUCCEEDED


def _follow(client: Client, job: Job | str, cursor: str | None, url: str, options: Options) -> int:
    """Show a job to its end; an interrupt leaves it, or cancels it and shows its end."""
    state = JobState()
    cancelling = False
    while True:
        try:
            if cancelling:
                _cancel(client, job)
            with display(json_lines=options.json) as shown:
                for event in client.follow(job, cursor=cursor):
                    cursor = event.cursor or cursor
                    try:
                        # What it has said is shown, and not kept.
                        state = replace(reduce(state, event), output="")
                        shown.show(event, state)
                    except UNREADABLE as error:
                        raise ClientError(f"what came is no {event.type}: {error!r}") from error
            break
        except KeyboardInterrupt:
            if cancelling or not options.cancel_on_interrupt:
                return _left(job, url, options)
            cancelling = True
    if not state.over:  # All of it had been told before the cursor.
        found = client.get(job)
        return of_status(found.status)
    if not options.json:
        _end(state, url)
    return of_status(state.status)


def _end(state: JobState, url: str) -> None:
    if state.error is not None and state.status == "failed":
        said = state.error.get("detail") or state.error.get("title") or "the job failed"
        sys.stderr.write(f"pushjobs: {printable(str(said))}\n")
    elif state.result is not None:
        print_value(state.result)
    elif state.status == "succeeded":
        sys.stderr.write(f"what it made: pushjobs result {shlex.quote(url)}\n")


def _wait(client: Client, job: Job, url: str, options: Options) -> int:
    cancelling = False
    while True:
        try:
            if cancelling:
                _cancel(client, job)
            answer = client.response(job)
            found = client.get(job)
            break
        except KeyboardInterrupt:
            if cancelling or not options.cancel_on_interrupt:
                return _left(job, url, options)
            cancelling = True
    if options.json:
        write_json(sys.stdout, members_of(found))
    else:
        print_response(answer, options)
    return of_status(found.status)


def _cancel(client: Client, job: Job | str) -> None:
    try:
        client.cancel(job)
    except Refused as refused:
        if refused.code != "conflict":  # It has ended in the meantime, and its end is shown.
            raise


def _left(job: Job | str, url: str, options: Options) -> int:
    hint = f"the job goes on; follow it with: pushjobs follow {shlex.quote(url)}"
    if isinstance(job, Job) and options.token is None and not options.show_token:
        hint += "\nwho is not logged in needs its token, which submit --show-token prints"
    sys.stderr.write(f"\n{hint}\n")
    return Exit.INTERRUPTED


def _client(options: Options, url: str) -> Client:
    transports = getattr(options, "transport", None) or [str(item) for item in Transport]
    try:
        return Client(url, token=options.token, headers=dict(options.header), transports=transports)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _job(options: Options) -> tuple[Endpoint, str]:
    try:
        return Endpoint.of_job(options.url)
    except ValueError as error:
        raise UsageError(str(error)) from None


COMMANDS: Mapping[str, Callable[[Options], int]] = {
    "submit": submit,
    "follow": follow,
    "result": result,
    "list": list_,
    "cancel": cancel,
    "retry": retry,
}
