"""The set-up under test: a stack whose every connection goes through a proxy of the suite's own.

The one place that knows ``tests.integration.stack``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import redis

from tests.chaos.database import Postgres
from tests.chaos.flags import Flags
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Network, Proxy
from tests.integration.stack import Stack, postgres
from tests.processes import NO_TLS
from tests.redis_server import RedisServer
from tests.waiting import until

Process = subprocess.Popen[bytes]

SWEEP_INTERVAL = 1.0
#: Short times, so that repairs are seen soon, but no lease runs out on a machine under load.
SETTINGS = {
    "LEASE": 3,
    "REENQUEUE_AFTER": 2,
    "SWEEP_INTERVAL": SWEEP_INTERVAL,
    "SHUTDOWN_GRACE": 1,
    "STREAM_HEARTBEAT": 2,
    "SOCKET_HEARTBEAT": 2,
    "STREAM_RETRY": 0.2,
    "DRAIN_WINDOW": 1,
    "BACKLOG_BYTES": 256 * 1024,
    "ADDRESS_SUBMISSIONS": "",
}


class Cluster:
    """Two web processes, two workers, Redis and PostgreSQL, and the proxies between them."""

    def __init__(
        self, stack: Stack, network: Network, links: dict[str, Proxy], database: Postgres
    ) -> None:
        self.folder = stack.folder
        self.network = network
        self.redis = stack.redis
        self.database = database
        #: Between processes and stores: what each of them believes the store's address to be.
        self.log_link, self.broker_link = links["redis"], links["broker"]
        self.database_link = links["database"]
        #: Between clients and each web process.
        self.doors = [links["web-0"], links["web-1"]]
        self.flags = Flags(stack.folder)
        self.ledger = Ledger(stack.folder)
        self._stack = stack

    @property
    def web_ports(self) -> list[int]:
        """Where the web processes themselves listen."""
        return self._stack.ports

    @property
    def workers(self) -> list[Process]:
        return self._stack.workers

    @property
    def log(self) -> str:
        """What all processes have printed."""
        return self._stack.log

    def start(self) -> None:
        self._stack.start()

    def stop(self) -> None:
        for process in self.workers:
            send(process, signal.SIGCONT)
        self._stack.stop()

    def web(self, number: int) -> Process:
        return self._stack.web[number]

    def start_web(self, number: int) -> None:
        """Start a web process in the place of one that has ended, and wait until it answers."""
        self._stack.start_web(number)
        web = self._stack.web
        if len(web) > len(self.web_ports):
            web[number] = web.pop()
        until(lambda: self._answers(number))

    def start_worker(self, number: int, **environment: str) -> None:
        """Start a worker in the place of one that has ended."""
        kept = self._stack.environment
        self._stack.environment = kept | environment
        try:
            self._stack.start_worker()
        finally:
            self._stack.environment = kept
        if len(self.workers) > 2:
            self.workers[number] = self.workers.pop()

    def revive(self) -> None:
        """Bring all that was killed, paused or cut off back to life, and lower all flags."""
        self.flags.clear()
        for link in (self.log_link, self.broker_link, self.database_link, *self.doors):
            link.delay = 0.0
            link.accept()
        for number, process in enumerate(self.workers):
            send(process, signal.SIGCONT)
            if process.poll() is not None:
                self.start_worker(number)
        for number in range(len(self.web_ports)):
            if self.web(number).poll() is not None:
                self.start_web(number)

    def restart_redis(self) -> None:
        """``kill -9``, and a start with nothing in memory."""
        self.redis.kill()
        self.redis.start()

    def flush_broker(self) -> None:
        with redis.Redis.from_url(self._stack.redis.url, db=1) as client:
            client.flushdb()

    def kill_subscriptions(self) -> int:
        """``CLIENT KILL`` of all pub/sub connections; returns how many there were."""
        with redis.Redis.from_url(self._stack.redis.url) as client:
            return int(client.client_kill_filter(_type="pubsub"))

    def _answers(self, number: int) -> bool:
        assert self.web(number).poll() is None, self.log[-4000:]
        try:
            url = f"http://127.0.0.1:{self.web_ports[number]}/jobs/asyncapi.json"
            httpx.get(url, timeout=20, verify=NO_TLS)
        except httpx.TransportError:
            return False
        return True


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process and its children, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def kill(process: Process) -> None:
    """``kill -9`` of a process and its children."""
    send(process, signal.SIGKILL)
    process.wait(10)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that runs while inside; its state stays in ``folder``."""
    with ExitStack() as resources:
        network = Network()
        resources.callback(network.close)
        server = RedisServer(folder)
        server.start()
        resources.callback(lambda: server.kill())
        database = Postgres(resources.enter_context(postgres(folder / "postgres")), folder)
        resources.callback(database.close)
        stack = Stack(folder, server, {})
        targets = {
            "redis": ("127.0.0.1", server.port),
            "broker": ("127.0.0.1", server.port),
            "database": database.address,
            "web-0": ("127.0.0.1", stack.ports[0]),
            "web-1": ("127.0.0.1", stack.ports[1]),
        }
        links = {name: Proxy(network, target) for name, target in targets.items()}
        for link in links.values():
            resources.callback(link.close)
        stack.environment = os.environ | {
            "VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": database.url_by(links["database"].port),
            "BROKER_URL": f"redis://127.0.0.1:{links['broker'].port}/1",
            "REDIS_URL": f"redis://127.0.0.1:{links['redis'].port}/0",
            "PUSHJOBS": json.dumps(SETTINGS),
        }
        cluster = Cluster(stack, network, links, database)
        resources.callback(cluster.stop)
        cluster.start()
        yield cluster
