"""A worker's processes and the signals that supervisors send them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.redis_server import RedisServer
from tests.waiting import until


class Worker:
    """``manage.py rundramatiq`` with one process, in a group of its own."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self._log = folder / "worker.log"
        environment = os.environ | {
            "VAR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'jobs.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "BROKER_URL": redis.url,
            "REDIS_URL": redis.url,
            "LOG_LEVEL": "INFO",
        }
        with self._log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "manage.py", "rundramatiq", "--processes=1", "--threads=1"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def signal_all(self, number: signal.Signals) -> None:
        """As systemd does, and a terminal: to the main process and to those it has started."""
        os.killpg(self.popen.pid, number)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    redis = RedisServer(tmp_path)
    redis.start()
    found = Worker(tmp_path, redis)
    yield found
    if found.popen.poll() is None:
        found.signal_all(signal.SIGKILL)
        found.popen.wait()
    redis.kill()


def test_a_worker_whose_whole_group_is_told_to_stop_ends_cleanly(worker: Worker) -> None:
    until(lambda: "ready for action" in worker.log)
    worker.signal_all(signal.SIGTERM)
    assert worker.popen.wait(60) == 0
    assert "Worker has been shut down" in worker.log
