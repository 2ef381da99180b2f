"""``make stack``: the Compose file's services as processes, with the stores and nginx."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
import redis
from httpx_sse import connect_sse
from websockets.sync.client import connect

from project.demo.video import sample_video
from project.stack.composefile import Service, read
from project.stack.programs import nginx
from project.stack.topology import COMPOSE_FILE
from tests.integration.launched import Launched, launched
from tests.processes import NO_TLS, ROOT
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("make-stack")

with_nginx = pytest.mark.skipif(nginx.executable() is None, reason="nginx is not installed")

#: What the stack must not take from who starts it.
FOREIGN = {"BROKER_URL": "redis://192.0.2.1:6379/1", "REDIS_URL": "nonsense", "LEAKED": "yes"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with launched(tmp_path_factory.mktemp("make") / "stack", **FOREIGN) as running:
        running.until_said("Ctrl-C ends it.")
        yield running


@pytest.fixture
def services(stack: Launched) -> dict[str, Service]:
    """What the Compose file says, with the variables as they must be for this stack."""
    ports = {name: address.rpartition(":")[2] for name, address in stack.addresses.items()}
    folder = stack.folder
    return read(
        COMPOSE_FILE,
        {
            "LISTEN": "127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "SECRET_KEY": (folder / "secret-key").read_text(),
            "STATE": str(folder),
            "POSTGRES_PASSWORD": (folder / "postgres-password").read_text(),
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": ports["postgres"].partition("/")[0],
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": ports["redis"],
            "REDIS_FOLDER": str(folder / "redis"),
            "WEB_1_PORT": str(stack.port),
            "WEB_2_PORT": str(stack.port + 1),
            "NGINX_FOLDER": str(folder / "nginx"),
        },
    )


def submit(url: str, **args: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{url}/jobs",
        json={"name": "demo.narrate", "args": args},
        headers={"Idempotency-Key": str(uuid4())},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read_job(url: str, job: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {job['token']}", "Prefer": "wait=10"}
    answer = httpx.get(url + job["links"]["self"], headers=headers, timeout=30)
    found: dict[str, Any] = answer.json()
    return found


def ended(url: str, job: dict[str, Any]) -> dict[str, Any]:
    """The job's document once it is over."""
    while (found := read_job(url, job))["finished_at"] is None:
        pass
    return found


def serves(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=30, verify=NO_TLS).status_code == 200
    except httpx.TransportError:
        return False


def test_the_first_web_process_has_the_port_and_the_others_the_next(stack: Launched) -> None:
    expected = {"web-1": stack.port, "web-2": stack.port + 1, "nginx": stack.port + 2}
    for name, port in expected.items():
        if name in stack.addresses:
            assert stack.addresses[name] == f"http://127.0.0.1:{port}"
    assert set(stack.addresses) >= {"postgres", "redis", "web-1", "web-2", "worker-1", "worker-2"}


def test_the_compose_files_commands_are_what_runs(
    stack: Launched, services: dict[str, Service]
) -> None:
    running = {name: stack.process(name).cmdline() for name in stack.addresses}
    for name in ("web-1", "web-2"):
        assert running[name][1:] == list(services[name].command[1:])
    for name in ("worker-1", "worker-2"):
        # rundramatiq becomes dramatiq, with its own options first.
        options = " ".join(services[name].command).partition("rundramatiq ")[2]
        assert Path(running[name][1]).name == "dramatiq"
        assert options in " ".join(running[name])
    assert " ".join(services["postgres"].command[1:]) in " ".join(running["postgres"])
    if "nginx" in running:  # It shows its command in a title of its own.
        assert " ".join(services["nginx"].command[1:]) in " ".join(running["nginx"])


def test_redis_has_the_compose_files_options(stack: Launched, services: dict[str, Service]) -> None:
    words = iter(services["redis"].command[1:])  # Its title shows the address only.
    options = {name.removeprefix("--"): value for name, value in zip(words, words, strict=True)}
    options["maxmemory"] = str(512 * 1024 * 1024)
    with redis.Redis.from_url(stack.addresses["redis"], decode_responses=True) as client:
        assert client.config_get(*options) == options


def test_each_service_has_the_compose_files_environment(
    stack: Launched, services: dict[str, Service]
) -> None:
    for name in ("web-1", "web-2", "worker-1", "worker-2"):
        environment = stack.process(name).environ()
        assert environment.items() >= services[name].environment.items()
        assert "LEAKED" not in environment


def test_jobs_run_in_all_worker_processes_each_with_a_pool_of_its_own(
    stack: Launched, services: dict[str, Service]
) -> None:
    url = stack.addresses["web-1"]
    masters = [stack.process("worker-1"), stack.process("worker-2")]
    workers = {process.pid: process for master in masters for process in master.children()}
    jobs: list[dict[str, Any]] = []
    address = services["migrate"].environment["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as database:
        until(
            lambda: len(workers.keys() & _have_run(database)) == 4,
            lambda: jobs.append(submit(url, text="a few words to be told", delay=0.1)),
        )
        busy = workers.keys() & _have_run(database)
    for job in jobs:
        assert ended(stack.addresses["web-2"], job)["status"] == "succeeded"
    port = int(stack.addresses["postgres"].rpartition(":")[2].partition("/")[0])
    assert not any(_connections(master, port) for master in masters)
    pools = [_connections(workers[number], port) for number in busy]
    assert all(pools)
    assert sum(map(len, pools)) == len(set.union(*pools))
    logs = stack.log_of("worker-1") + stack.log_of("worker-2")
    assert not re.search("ERROR|Traceback|WARNING", logs), logs


def _have_run(database: psycopg.Connection[tuple[str]]) -> set[int]:
    """The processes in which attempts have begun, out of the names of their workers."""
    rows = database.execute("SELECT worker FROM pushjobs_job WHERE worker <> ''").fetchall()
    return {int(worker.split(":")[1]) for (worker,) in rows}


def _connections(process: psutil.Process, port: int) -> set[int]:
    """The local ports of its connections to a server's port."""
    return {
        item.laddr.port
        for item in process.net_connections("tcp")
        if item.raddr and item.raddr.port == port
    }


@with_nginx
def test_an_event_stream_comes_through_nginx_as_it_happens(stack: Launched) -> None:
    url = stack.addresses["nginx"]
    job = submit(url, text="word " * 40, delay=0.2)
    headers = {"Authorization": f"Bearer {job['token']}"}
    with (
        httpx.Client(base_url=url, timeout=30) as client,
        connect_sse(client, "GET", job["links"]["events"], headers=headers) as source,
    ):
        assert "content-encoding" not in source.response.headers
        events = (event.event for event in source.iter_sse() if event.data)
        assert "job.output" in events
        standing = client.get(job["links"]["self"], headers=headers).json()
        assert standing["status"] == "running"
        cancelled = client.post(job["links"]["cancel"], headers=headers)
        assert cancelled.status_code == 202
        assert list(events)[-1] == "job.cancelled"


@with_nginx
def test_a_socket_comes_through_nginx(stack: Launched) -> None:
    address = stack.addresses["nginx"].replace("http", "ws", 1)
    with connect(f"{address}/jobs/socket") as socket:
        assert '"welcome"' in str(socket.recv(timeout=30))


@with_nginx
def test_nginx_serves_the_static_files(stack: Launched) -> None:
    url = stack.addresses["nginx"]
    answer = httpx.get(f"{url}/static/admin/css/base.css")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css")


@with_nginx
def test_while_a_web_process_is_gone_nginx_asks_the_other(stack: Launched) -> None:
    url = stack.addresses["nginx"]
    job = submit(url, text="one")
    stack.process("web-1").kill()
    while "web-1 was started again" not in stack.output:
        assert read_job(url, job)["name"] == "demo.narrate"
    until(lambda: serves(stack.addresses["web-1"]))


@with_nginx
def test_where_no_web_process_answers_nginx_says_when_to_come_back(stack: Launched) -> None:
    for name in ("web-1", "web-2"):
        stack.process(name).kill()
    answer = httpx.post(f"{stack.addresses['nginx']}/jobs", json={}, timeout=30)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["detail"] == "no web process answers"
    for name in ("web-1", "web-2"):
        stack.until_said(f"{name} was started again")
        until(lambda name=name: serves(stack.addresses[name]))


def test_a_second_one_with_the_same_state_is_refused(stack: Launched) -> None:
    second = Launched(stack.folder, stack.port)
    assert second.popen.wait(60) == 1
    assert f"another stack runs with its state in {stack.folder}" in second.output


def test_a_port_that_is_taken_is_said_before_anything_starts(
    stack: Launched, tmp_path: Path
) -> None:
    second = Launched(tmp_path / "second", stack.port - 1)
    assert second.popen.wait(60) == 1
    assert f"port {stack.port} cannot be listened on" in second.output
    assert not list((tmp_path / "second" / "logs").iterdir())


def test_a_service_that_dies_is_started_again_without_what_it_left(stack: Launched) -> None:
    master = stack.process("worker-2")
    workers = master.children()
    master.kill()
    stack.until_said("worker-2 was started again")
    assert "worker-2 ended with -9" in stack.output
    until(lambda: stack.process("worker-2").is_running())
    assert stack.process("worker-2").pid != master.pid
    until(lambda: not any(worker.is_running() for worker in workers))


def test_a_process_that_dies_at_the_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    with launched(tmp_path / "stack", PUSHJOBS='{"NO_SUCH_KEY": 1}') as stack:
        assert stack.popen.wait(100) == 1
    assert "migrate ended with 1" in stack.output
    assert "there is no such key" in stack.output
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(tmp_path) in " ".join(process.info["cmdline"] or [])
    ]


def test_ctrl_c_ends_everything(stack: Launched) -> None:
    # The last test: the others share the stack that it ends.
    processes = stack.all_processes()
    assert len(processes) > 12
    assert stack.stop(signal.SIGINT) == 0, stack.output
    assert stack.output.endswith("Stopped.\n")
    assert [process for process in processes if process.is_running()] == []


def test_the_demo_succeeds_against_a_stack(stack: Launched, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    sample_video(clip, seconds=6)  # A quarter of what the demo would make itself.
    shorter = ["--video", str(clip), "--text", "word " * 30]
    command = [sys.executable, "-m", "project.demo.run", "--stack", *shorter]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 missed, 0 repeated, 0 out of order" in done.stdout
