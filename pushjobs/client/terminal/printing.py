"""Jobs and what they produced, on the standard output."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

import httpx

from pushjobs.client.api import content
from pushjobs.client.documents import Job
from pushjobs.client.terminal.arguments import UsageError
from pushjobs.client.terminal.display import printable, write_json
from pushjobs.events import rfc3339

Options = argparse.Namespace


def print_response(answer: httpx.Response, options: Options) -> None:
    """A response's content: to a person as text, to a pipe as it is."""
    value = content(answer)
    if isinstance(value, bytes):
        if sys.stdout.isatty():
            raise UsageError(f"{len(value)} bytes that are no text: give -o FILE, or a pipe")
        sys.stdout.flush()
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()
    elif options.json:
        write_json(sys.stdout, value)
    else:
        print_value(value)


def print_value(value: Any) -> None:
    terminal = sys.stdout.isatty()
    if isinstance(value, str):
        text = printable(value) if terminal else value
    elif value is None:
        return
    else:
        text = json.dumps(value, ensure_ascii=not terminal, indent=2 if terminal else None)
        text = printable(text) if terminal else text
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def print_job(job: Job, url: str, options: Options) -> None:
    token = job.token if getattr(options, "show_token", False) else None
    if options.json:
        write_json(sys.stdout, members_of(job) | ({"token": token} if token else {}))
        return
    sys.stdout.write(f"{job.status}  {url}\n")
    if token:
        sys.stdout.write(f"token  {printable(token)}\n")


def members_of(job: Job) -> dict[str, Any]:
    """The job's document, without its token."""
    moments = ("created_at", "run_at", "started_at", "finished_at", "expires_at")
    names = ("id", "name", "attempt", "max_attempts", "result", "error", "tags", "cursor", "links")
    members = {name: getattr(job, name) for name in names} | {"status": str(job.status)}
    members["progress"] = None if job.progress is None else asdict(job.progress)
    for name in moments:
        moment = getattr(job, name)
        members[name] = None if moment is None else rfc3339(moment)
    return members
