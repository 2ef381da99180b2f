"""A real RabbitMQ server for the tests: a node of their own, which they may kill."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pika
import pika.exceptions
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.processes import free_port
from tests.waiting import until

# Debian's command on PATH is a wrapper that changes the user and the folders; this is what it runs.
_UNWRAPPED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EXECUTABLE = shutil.which("rabbitmq-server") and (
    str(_UNWRAPPED) if _UNWRAPPED.exists() else shutil.which("rabbitmq-server")
)
EPMD = shutil.which("epmd")

needs_rabbitmq = pytest.mark.skipif(
    not (EXECUTABLE and EPMD), reason="there is no rabbitmq-server on PATH"
)

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 1MB
"""


class RabbitmqServer:
    """A node with its state in a folder; it can be killed, and started again with what it kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._ports = {"RABBITMQ_DIST_PORT": free_port(), "ERL_EPMD_PORT": free_port()}
        self._names: subprocess.Popen[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def log(self) -> str:
        """What the node has printed."""
        return (self.folder / "rabbitmq.log").read_text()

    def start(self) -> None:
        assert EXECUTABLE is not None
        assert EPMD is not None
        environment = self._environment()
        if self._names is None:
            # Erlang would leave its name server behind as a daemon; this one ends with the node.
            self._names = subprocess.Popen([EPMD], env=environment, stderr=subprocess.DEVNULL)
            until(self._knows_names)
        (self.folder / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=self.port))
        (self.folder / "plugins").write_text("[].\n")
        with (self.folder / "rabbitmq.log").open("ab") as log:
            self.process = subprocess.Popen(
                [EXECUTABLE], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        until(self._answers)

    def kill(self) -> None:
        """``kill -9``; its helper processes end with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End all that ``start`` has started."""
        if self.process is not None:
            self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()

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

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        return os.environ | {
            "HOME": str(folder),  # Where Erlang keeps its cookie.
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"pushjobs-{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            "RUNNING_UNDER_SYSTEMD": "true",  # The script becomes the node, which can be killed.
            **{name: str(port) for name, port in self._ports.items()},
        }

    def _knows_names(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._ports["ERL_EPMD_PORT"])):
                return True
        except ConnectionRefusedError:
            return False

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            with self.channel():
                return True
        except pika.exceptions.AMQPConnectionError:
            return False


def start_rabbitmq(folder: Path, resources: ExitStack) -> str:
    """A broker on a RabbitMQ of its own, or on the one that ``BROKER_URL`` names."""
    named = os.environ.get("BROKER_URL", "")
    if named.startswith("amqp"):
        return named
    (folder / "rabbitmq").mkdir()
    server = RabbitmqServer(folder / "rabbitmq")
    resources.callback(server.stop)
    server.start()
    return server.url
