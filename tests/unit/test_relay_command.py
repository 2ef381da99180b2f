"""``manage.py relay`` and ``RELAY_IN_WORKERS``: the relay apart from the workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import dramatiq
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection

from pushjobs import channels, relay
from pushjobs.events import Entry, Record
from pushjobs.log.memory import MemoryLog
from pushjobs.log.redis import RedisLog
from pushjobs.models import Job
from pushjobs.worker import WorkerServices
from tests.processes import ROOT
from tests.redis_server import RedisServer
from tests.unit.conftest import Configure, Postbox
from tests.unit.jobs import fresh, in_past, make
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def once() -> dict[str, str]:
    """What ``manage.py relay --once`` says of each part."""
    out = StringIO()
    call_command("relay", "--once", stdout=out)
    return dict(line.split(": ") for line in out.getvalue().splitlines())


def test_one_round_says_what_it_did_and_the_next_finds_nothing_to_do(postbox: Postbox) -> None:
    lost, due, unsent, untold = make("running"), make("scheduled"), make(), make("failed")
    in_past(lost, lease_until=True)
    in_past(due, run_at=True)
    done = {"take back": "1", "queue due": "1", "send lost": "3", "announce untold": "0"}
    assert once() == done | {"prune": "0"}
    assert {key for key, _ in postbox.messages} == {str(job.id) for job in (lost, due, unsent)}
    assert once() == dict.fromkeys([*done, "prune"], "0")
    assert fresh(untold).announced == 3


def test_what_a_round_has_published_is_noted_before_the_command_ends(postbox: Postbox) -> None:
    due = make("scheduled")
    in_past(due, run_at=True)
    once()
    assert (fresh(due).announced, fresh(due).version) == (2, 2)


def test_a_round_ends_only_when_all_is_told(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, told = MemoryLog.append, []

    async def slow(log: MemoryLog, records: Sequence[Record]) -> list[Entry | None]:
        await asyncio.sleep(0.2)
        told.extend(record.type for record in records)
        return await append(log, records)

    monkeypatch.setattr(MemoryLog, "append", slow)
    due = make("scheduled")
    in_past(due, run_at=True)
    once()
    assert told == ["job.queued"]


def test_a_round_in_which_a_part_fails_does_the_others_and_ends_with_an_error(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_back() -> int:
        raise RuntimeError("as the database may")

    monkeypatch.setattr(relay, "take_back", take_back)
    make()
    out = StringIO()
    with pytest.raises(CommandError, match="not all could be done"):
        call_command("relay", "--once", stdout=out)
    assert "take back: failed\nqueue due: 0\nsend lost: 1\n" in out.getvalue()


@pytest.mark.parametrize("arguments", [(), ("--once",)])
def test_a_broker_in_memory_has_no_relay_elsewhere(arguments: tuple[str, ...]) -> None:
    """It would take for sent what no worker ever gets."""
    job = make()
    with pytest.raises(CommandError, match="the broker is in memory"):
        call_command("relay", *arguments)
    assert fresh(job).version == job.version


@pytest.mark.parametrize(
    ("in_workers", "in_memory", "runs"),
    [(True, False, True), (False, False, False), (False, True, True)],
)
def test_a_worker_runs_a_relay_unless_told_not_to(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    *,
    in_workers: bool,
    in_memory: bool,
    runs: bool,
) -> None:
    configure(RELAY_IN_WORKERS=in_workers)
    monkeypatch.setattr("pushjobs.worker.in_memory", lambda: in_memory)
    services = WorkerServices()
    services.after_worker_boot(dramatiq.get_broker(), None)
    names = {thread.name for thread in threading.enumerate()}
    services.after_worker_shutdown(dramatiq.get_broker(), None)
    assert "pushjobs-heartbeat" in names
    assert ("pushjobs-relay" in names) is runs
    assert ("pushjobs-retention" in names) is runs


class RelayProcess:
    """A real ``manage.py relay`` on the test's database and on Redis."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._out = folder / "out"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "BROKER_URL": redis_url,
            "REDIS_URL": redis_url,
            "VAR": str(folder),
            "PUSHJOBS": json.dumps({"RELAY_INTERVAL": 0.01}),
        }
        command = [sys.executable, "manage.py", "relay"]
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        until(lambda: "The relay runs" in self.said)

    @property
    def said(self) -> str:
        assert self._process.poll() is None, self._out.read_text()
        return self._out.read_text()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait(60)


def types(url: str, job: Job) -> list[str]:
    """The events of a job's channel."""

    async def read() -> list[str]:
        log = RedisLog([url])
        page = await log.read(channels.of_job(job.id), None, 100)
        await log.close()
        return [str(entry.record.type) for entry in page.entries]

    return asyncio.run(read())


def test_relays_at_once_do_nothing_twice_and_end_when_told(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    relays = []
    try:
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            relays.append(RelayProcess(folder, server.url))
        jobs = [make("scheduled") for _ in range(30)]
        for job in jobs:
            in_past(job, run_at=True)
        with redis.Redis.from_url(server.url) as client:
            until(lambda: client.llen("dramatiq:default") >= len(jobs))
            ends = [relays[0].stop(signal.SIGTERM), relays[1].stop(signal.SIGINT)]
            messages = [json.loads(text) for text in client.hvals("dramatiq:default.msgs")]
        assert ends == [0, 0]
        sent = Counter(message["args"][0] for message in messages)
        assert sent == {str(job.id): 1 for job in jobs}
        assert {tuple(types(server.url, job)) for job in jobs} == {("job.queued",)}
    finally:
        for each in relays:
            each.kill()
        server.kill()
