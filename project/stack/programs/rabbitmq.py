"""RabbitMQ: the one on PATH, as a node of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from project.stack.ports import LOOPBACK, free_port, listens
from project.stack.programs.contract import Rank, StackError

# Debian's command on PATH is a wrapper that changes the user and the folders; this is what it runs.
_UNWRAPPED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Erlang would leave its name server behind as a daemon; this one ends with the node's session.
_WITH_NAME_SERVER = 'epmd & until epmd -names >/dev/null 2>&1; do sleep 0.1; done; exec "$0"'


class Rabbitmq:
    """A RabbitMQ node."""

    rank = Rank.STORE
    user: str | None = None

    def __init__(self, folder: Path, port: int, password: str) -> None:
        self._folder = folder
        self._port = port
        self._password = password
        self._ports = {"RABBITMQ_DIST_PORT": free_port(), "ERL_EPMD_PORT": free_port()}
        self.address = f"amqp://{LOOPBACK}:{port}"

    def variables(self) -> dict[str, str]:
        url = f"amqp://pushjobs:{self._password}@{LOOPBACK}:{self._port}/%2F"
        return {"BROKER_URL": url, "RABBITMQ_PASSWORD": self._password}

    def prepare(self, environment: Mapping[str, str]) -> None:
        if shutil.which("rabbitmq-server") is None or shutil.which("epmd") is None:
            raise StackError("there is no rabbitmq-server on PATH")
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "plugins").write_text("[].\n")
        configuration = self._folder / "rabbitmq.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self._port}\n"
            f"default_user = {environment['RABBITMQ_DEFAULT_USER']}\n"
            f"default_pass = {environment['RABBITMQ_DEFAULT_PASS']}\n"
        )

    def command(self, command: Sequence[str]) -> list[str]:
        server = str(_UNWRAPPED) if _UNWRAPPED.exists() else command[0]
        return ["sh", "-c", _WITH_NAME_SERVER, server, *command[1:]]

    def environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "HOME": str(folder),  # Where Erlang keeps its cookie.
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": "pushjobs@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RUNNING_UNDER_SYSTEMD": "true",  # The script becomes the node, which can be stopped.
            **{name: str(port) for name, port in self._ports.items()},
        }

    def ready(self) -> bool:
        return listens(self._port)
