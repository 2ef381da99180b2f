"""A real RabbitMQ server for the tests: a node of their own, which they may kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pika.exceptions
import pytest
from dramatiq.common import dq_name, xq_name
from pika.adapters.blocking_connection import BlockingChannel

from project.stack.ports import free_port
from project.stack.process import Process
from project.stack.programs.rabbitmq import Rabbitmq
from tests.waiting import until

needs_rabbitmq = pytest.mark.skipif(
    not (shutil.which("rabbitmq-server") and shutil.which("epmd")),
    reason="there is no rabbitmq-server on PATH",
)
#: For the tests with the fixture ``rabbitmq``: one process runs them, which starts one server.
shares_rabbitmq = pytest.mark.xdist_group("rabbitmq")

_LOGIN = {"RABBITMQ_DEFAULT_USER": "pushjobs", "RABBITMQ_DEFAULT_PASS": "secret"}


class RabbitmqServer:
    """A node with its state in a folder; it can be killed, and started again with what it kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._program = Rabbitmq(folder, self.port, _LOGIN["RABBITMQ_DEFAULT_PASS"])
        self._process = Process("rabbitmq", folder / "rabbitmq.log")
        self.url = self._program.variables()["BROKER_URL"]

    def url_by(self, port: int) -> str:
        """Its address by way of another port, on which a proxy listens."""
        return self.url.replace(f":{self.port}/", f":{port}/")

    def start(self) -> None:
        self._program.prepare(_LOGIN)
        quiet = {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none"}
        self._process.start(
            self._program.command(["rabbitmq-server"]),
            cwd=self._folder,
            environment=os.environ | _LOGIN | quiet | self._program.environment(),
            user=None,
        )
        until(self._answers)

    def kill(self) -> None:
        """``kill -9``; its helper processes end with it."""
        self._process.kill()

    def empty(self) -> None:
        """Delete the queues of ``tests/app/jobs.py``, with all that is in them."""
        with self.channel() as channel:
            for queue in ("default", "apart", "ranked"):
                for name in (queue, dq_name(queue), xq_name(queue)):
                    channel.queue_delete(name)

    def waiting(self, queue: str) -> int:
        """How many messages no worker has taken from a queue; 0 where there is no such queue."""
        with self.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).method.message_count)
            except pika.exceptions.ChannelClosedByBroker:
                return 0

    @contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """A channel of a connection of its own."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def _answers(self) -> bool:
        assert self._process.running, self._process.last_words()
        try:
            with self.channel():
                return True
        except pika.exceptions.AMQPConnectionError:
            return False


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitmqServer]:
    """A node of the tests' own that runs while inside."""
    server = RabbitmqServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
