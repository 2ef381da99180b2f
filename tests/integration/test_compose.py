"""``docker-compose.yml`` is valid, complete, and its numbers fit each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from project.stack.composefile import ComposeFileError, Service, read
from project.stack.topology import COMPOSE_FILE, ROOT
from pushjobs.conf import Settings

DEFAULTS = Settings()
SECRETS = {"SECRET_KEY": "secret", "POSTGRES_PASSWORD": "password"}
NGINX = (ROOT / "deploy" / "nginx.conf.template").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """The services with all defaults."""
    return read(COMPOSE_FILE, SECRETS, ["rabbitmq"])


def option(command: tuple[str, ...], name: str) -> int:
    """The number that follows an option."""
    return int(command[command.index(name) + 1])


def test_it_is_valid_by_the_specifications_schema(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    check = [str(program), "--builtin-schema", "vendor.compose-spec"]
    broken = tmp_path / "broken.yml"
    broken.write_text(COMPOSE_FILE.read_text().replace("restart: unless", "restarts: unless"))
    for path, code in ((COMPOSE_FILE, 0), (broken, 1)):
        done = subprocess.run([*check, str(path)], capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr


def test_it_has_the_topology(services: dict[str, Service]) -> None:
    assert set(services) == {
        *("postgres", "redis", "rabbitmq", "migrate"),
        *("web-1", "web-2", "worker-1", "worker-2", "nginx"),
    }
    assert "rabbitmq" not in read(COMPOSE_FILE, SECRETS)


def test_only_nginx_can_be_reached_from_outside() -> None:
    document: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    published = {name for name, service in document["services"].items() if "ports" in service}
    assert published == {"nginx"}


def test_each_service_has_a_healthcheck_or_runs_once(services: dict[str, Service]) -> None:
    document: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    unchecked = {
        name
        for name, service in document["services"].items()
        if not service.get("healthcheck", {}).get("test")
    }
    assert unchecked == {name for name, service in services.items() if service.one_shot}
    assert unchecked == {"migrate"}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_missing_is_asked_for_by_name(name: str) -> None:
    with pytest.raises(ComposeFileError, match=f"{name} is missing: set {name}"):
        read(COMPOSE_FILE, SECRETS | {name: ""})


def test_both_web_processes_and_both_workers_run_the_same(services: dict[str, Service]) -> None:
    assert services["web-1"].command == services["web-2"].command
    assert services["worker-1"].command == services["worker-2"].command
    assert services["web-1"].environment == services["web-2"].environment


def test_a_stop_leaves_time_for_the_drain_and_for_running_jobs(
    services: dict[str, Service],
) -> None:
    web, worker = services["web-1"], services["worker-1"]
    uvicorn = option(web.command, "--timeout-graceful-shutdown")
    assert web.stop_grace > DEFAULTS.DRAIN_WINDOW + 5 + uvicorn
    threads = option(worker.command, "--worker-shutdown-timeout") / 1000
    assert threads > DEFAULTS.SHUTDOWN_GRACE + 3
    assert worker.stop_grace > threads + 5


def test_postgresql_has_connections_for_all_pools_and_pools_for_all_threads(
    services: dict[str, Service],
) -> None:
    web, worker = services["web-1"], services["worker-1"]
    processes, threads = option(worker.command, "--processes"), option(worker.command, "--threads")
    per_worker = int(worker.environment["DATABASE_POOL"])
    assert per_worker >= threads + 4
    needed = 2 * int(web.environment["DATABASE_POOL"]) + 2 * processes * per_worker
    allowed = re.search(r"max_connections=(\d+)", " ".join(services["postgres"].command))
    assert allowed is not None
    assert int(allowed[1]) > needed + 10


def test_nginx_waits_longer_than_heartbeats_and_takes_uploads(
    services: dict[str, Service],
) -> None:
    waits = re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", NGINX)
    beats = [DEFAULTS.STREAM_HEARTBEAT, DEFAULTS.SOCKET_HEARTBEAT, DEFAULTS.MAX_WAIT]
    assert len(waits) == 2
    assert all(int(wait) > max(beats) for wait in waits)
    size = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert size is not None
    assert int(size[1]) * 1024 * 1024 > DEFAULTS.MAX_UPLOAD
    kept = re.search(r"keepalive_timeout (\d+)s; # Shorter", NGINX)
    assert kept is not None
    assert int(kept[1]) < option(services["web-1"].command, "--timeout-keep-alive")


def test_nginx_is_told_each_variable_that_its_template_has(services: dict[str, Service]) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", NGINX))
    assert used <= set(services["nginx"].environment)
