"""Clients of the HTTP API: anyone, or a user who has logged in."""

from __future__ import annotations

import time
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.contract.followers import PATIENCE, Credentials, http_client
from tests.processes import Server

Document = dict[str, Any]


class Client:
    """One who talks to the API, with a session where ``user`` names one."""

    def __init__(self, server: Server, user: str | None = None) -> None:
        self.server = server
        self.http = http_client(server)
        if user is not None:
            csrf = self.http.get(f"/test-login/{user}")
            assert csrf.status_code == 200
            self.http.headers["X-CSRFToken"] = csrf.text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def credentials(self) -> Credentials:
        return Credentials(cookies=dict(self.http.cookies))

    def post(self, name: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """Ask for a job; ``body`` are further members of the submission."""
        return self.http.post("/jobs", json={"name": name, **body}, headers=headers)

    def submit(self, name: str, *, tags: tuple[str, ...] = (), **args: Any) -> Document:
        """Submit a job that is accepted; returns its document."""
        response = self.post(name, args=args, tags=list(tags))
        assert response.status_code == 202, response.text
        document: Document = response.json()
        return document

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        return self.http.get(path, headers=bearer(token) | headers)

    def cancel(self, job: Document, token: str | None = None) -> httpx.Response:
        return self.http.post(job["links"]["cancel"], headers=bearer(token or job["token"]))

    def finished(self, job: Document) -> Document:
        """The document of a job once it is over."""
        return self.until(job, lambda document: document["finished_at"] is not None)

    def started(self, job: Document) -> Document:
        """The document of a job once it runs."""
        return self.until(job, lambda document: document["started_at"] is not None)

    def until(self, job: Document, condition: Any) -> Document:
        deadline = time.monotonic() + PATIENCE
        document: Document = job
        headers = bearer(job["token"])
        while time.monotonic() < deadline:
            response = self.http.get(job["links"]["self"], headers=headers)
            document = document if response.status_code == 304 else response.json()
            if condition(document):
                return document
            headers |= {"Prefer": "wait=1", "If-None-Match": response.headers["etag"]}
        raise AssertionError(f"the job stays as it is: {document}")


def bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token is not None else {}


def channel_of(job: Document) -> str:
    return f"job:{job['id']}"


def unique(name: str) -> str:
    """A name that no other test uses."""
    return f"{name}-{uuid4().hex[:8]}"
