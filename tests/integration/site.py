"""One web process, and workers for the queues that a test names, on any broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.stack import postgres
from tests.processes import ROOT, Server
from tests.redis_server import running_redis

SETTINGS = {"LEASE": 2, "REENQUEUE_AFTER": 2, "SWEEP_INTERVAL": 0.5, "SHUTDOWN_GRACE": 1}


@dataclass
class Site:
    """Processes that know each other only through their stores."""

    server: Server
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.server.folder

    def start_worker(self, *queues: str, threads: int = 4) -> subprocess.Popen[bytes]:
        """A worker process for these queues only."""
        size = ["--processes", "1", "--threads", str(threads)]
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "rundramatiq", *size, "--queues", *queues],
                cwd=ROOT,
                env=os.environ | self.server.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """``kill -9`` of a worker and all its processes."""
        self.workers.remove(worker)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        for worker in list(self.workers):
            self.kill(worker)
        if self.server.process is not None:
            self.server.kill()


@contextmanager
def running_site(folder: Path, broker: str, **settings: Any) -> Iterator[Site]:
    """A site without workers that runs while inside; its layer and log are on a Redis.

    ``broker`` is the URL of one.
    """
    with ExitStack() as resources:
        redis = resources.enter_context(running_redis(folder))
        environment = {
            "VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": resources.enter_context(postgres(folder / "postgres")),
            "REDIS_URL": redis.url,
            "BROKER_URL": broker,
            "PUSHJOBS": json.dumps(SETTINGS | settings),
        }
        site = Site(Server(folder, kind="uvicorn", environment=environment))
        resources.callback(site.stop)
        site.server.start()
        yield site
