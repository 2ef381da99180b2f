"""What the demo talks to: a server of its own, or a whole stack, with state of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from project.stack.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0

#: What would turn the embedded set-up into another one.
_FOREIGN = ("ALLOWED_HOSTS", "BROKER_URL", "DATABASE_URL", "HTTPS", "PUSHJOBS", "REDIS_URL")


class ServiceError(Exception):
    """The server did not start, or did not end as it should."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where the server listens."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket_url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"


@contextmanager
def running_service() -> Iterator[Service]:
    """``manage.py serve`` on a free port, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="pushjobs-demo-") as name:
        folder = Path(name)
        service = Service(free_port())
        log = folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(service.port)],
                cwd=_ROOT,
                env=_environment(folder),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for the demo, which then stops the server
            )
        try:
            _wait_until_ready(service, process, log)
            yield service
        finally:
            _stop(process)
        if process.returncode:
            raise ServiceError(f"the server ended with {process.returncode}:\n{log.read_text()}")


@contextmanager
def running_stack() -> Iterator[Service]:
    """The distributed set-up, as long as the block lasts: nginx if it is installed, else web-1."""
    # Only here: the embedded demo needs neither PyYAML nor the stores' clients.
    from project.stack.composefile import ComposeFileError
    from project.stack.programs.contract import StackError
    from project.stack.stack import Stack

    with tempfile.TemporaryDirectory(prefix="pushjobs-stack-") as folder:
        stack = Stack(Path(folder))
        try:
            stack.start()
            yield Service(stack.ports.nginx if "nginx" in stack.services else stack.ports.web_1)
        except (StackError, ComposeFileError) as error:
            raise ServiceError(str(error)) from error
        finally:
            stack.stop()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"VAR": str(folder), "DJANGO_SETTINGS_MODULE": "project.settings"}


def _wait_until_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServiceError(f"the server did not start:\n{log.read_text()}")
        try:
            httpx.get(f"{service.url}/jobs/openapi.json", timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise ServiceError(f"the server does not answer:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except BaseException:
        process.kill()
        process.wait()
        raise
