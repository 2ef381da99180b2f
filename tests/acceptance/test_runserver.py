"""``manage.py runserver``: with ``EMBEDDED_THREADS``, the process that serves runs its jobs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import DATABASE, ROOT, Server
from tests.waiting import until

CODE = """
import threading
from pushjobs import job

@job(name="changing.version", allow="anyone")
def version() -> list:
    return [{version}, sorted(thread.name for thread in threading.enumerate())]
"""


@dataclass
class Runserver(Server):
    """Django's development server, with an app in the folder whose code may change."""

    settings: dict[str, Any] = field(default_factory=lambda: {"EMBEDDED_THREADS": 2})

    def __post_init__(self) -> None:
        app = self.folder / "changing"
        app.mkdir()
        (app / "__init__.py").touch()
        self.write(1)
        settings = 'from tests.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, "changing"]\n'
        (self.folder / "changingsettings.py").write_text(settings)
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "changingsettings",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
        }

    def write(self, version: int) -> None:
        """Change the code."""
        (self.folder / "changing" / "jobs.py").write_text(CODE.replace("{version}", str(version)))

    def _command(self) -> list[str]:
        command = [sys.executable, "manage.py", "runserver", f"127.0.0.1:{self.port}"]
        return [*command, *self.options]


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runserver]:
    found = Runserver(tmp_path, options=getattr(request, "param", ()))
    found.start()
    yield found
    found.stop()


def submit(client: httpx.Client, name: str, **args: Any) -> dict[str, Any]:
    answer = client.post("/jobs", json={"name": name, "args": args}).raise_for_status()
    body: dict[str, Any] = answer.json()
    return body | {"headers": {"X-JOB-AUTHORIZATION": body["token"]}}


def read(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job's document; the given one while the server starts anew."""
    try:
        answer = client.get(job["links"]["self"], headers=job["headers"]).raise_for_status()
    except httpx.HTTPError:
        return job
    found: dict[str, Any] = answer.json()
    return found


def ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    until(lambda: read(client, job)["finished_at"] is not None)
    return read(client, job)


def version(client: httpx.Client) -> tuple[int, list[str]]:
    """What code runs, and in which threads; zero while the server starts anew."""
    try:
        number, threads = ended(client, submit(client, "changing.version"))["result"]
    except httpx.HTTPError:
        return 0, []
    return number, threads


def test_jobs_run_and_are_pushed_where_they_are_served_until_code_changes(
    server: Runserver, gate: Path
) -> None:
    with server.client() as client:
        assert version(client)[0] == 1
        held = submit(client, "test.stubborn", until=str(gate))
        until(lambda: read(client, held)["status"] == "running")
        with server.client() as patient, ThreadPoolExecutor(1) as pool:
            headers = held["headers"] | {"Prefer": "wait=60"}
            waiting = pool.submit(patient.get, held["links"]["self"], headers=headers)
            until(lambda: client.get("/test-state").json()["connections"] == 1)
            # Again and again: the server sees no change to what it has yet to look at.
            until(lambda: "changed, reloading" in server.log, lambda: server.write(2))
            assert waiting.result().status_code == 202, "what is in flight is answered"
        until(lambda: version(client)[0] == 2)
        gate.touch()
        done = ended(client, held)
        # The attempt that the change of code broke off does not count: it may have only one.
        assert (done["status"], done["attempt"], done["max_attempts"]) == ("succeeded", 2, 1)
        assert version(client)[1].count("pushjobs-relay") == 1
        ran_in = ended(client, submit(client, "test.process"))["result"]
        assert ran_in == client.get("/test-state").json()["process"]
        followed = submit(client, "test.hold", until=str(server.folder / "followed"))
        url, headers = followed["links"]["events"], followed["headers"]
        kinds: list[str] = []
        with client.stream("GET", url, headers=headers) as events:
            for line in events.iter_lines():
                if line.startswith("event:"):
                    kinds.append(line)
                    (server.folder / "followed").touch()  # Now that the stream has begun.
        assert kinds[-1] == "event: job.succeeded"


@pytest.mark.parametrize("server", [("--noreload",)], indirect=True)
def test_a_server_that_is_stopped_gives_its_jobs_back(server: Runserver, gate: Path) -> None:
    with server.client() as client:
        held = submit(client, "test.stubborn", until=str(gate))
        until(lambda: read(client, held)["status"] == "running")
    assert server.stop() == 0
    with closing(sqlite3.connect(server.folder / DATABASE)) as database:
        rows = database.execute("SELECT status, attempt, released FROM pushjobs_job").fetchall()
    assert rows == [("queued", 1, 1)]


def test_it_knows_asgi_where_jobs_go_to_a_broker_too(tmp_path: Path) -> None:
    environment = os.environ | {
        "VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "BROKER_URL": "redis://127.0.0.1:1/1",
    }
    command = [sys.executable, "manage.py", "runserver", "--help"]
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert b"--noasgi" in said.stdout, "this is Django's own, which knows WSGI only"
