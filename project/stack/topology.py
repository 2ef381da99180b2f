"""Which program stands behind each service of the Compose file, and where it listens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

from project.stack.ports import LOOPBACK, free_port
from project.stack.programs import nginx
from project.stack.programs.application import Application, Web
from project.stack.programs.contract import Program
from project.stack.programs.nginx import Nginx
from project.stack.programs.postgres import Postgres
from project.stack.programs.rabbitmq import Rabbitmq
from project.stack.programs.redis import Redis
from project.stack.secret import kept_secret

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
_TEMPLATE = ROOT / "deploy" / "nginx.conf.template"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the services listen, on the loopback address; free ones where nothing is said."""

    web_1: int = field(default_factory=free_port)
    web_2: int = field(default_factory=free_port)
    nginx: int = field(default_factory=free_port)
    postgres: int = field(default_factory=free_port)
    redis: int = field(default_factory=free_port)
    rabbitmq: int = field(default_factory=free_port)

    def of(self, services: Collection[str]) -> dict[str, int]:
        """The ports of these services, by name; those that listen nowhere are left out."""
        ports = {name.replace("_", "-"): port for name, port in asdict(self).items()}
        return {name: port for name, port in ports.items() if name in services}


def programs(folder: Path, ports: Ports) -> dict[str, Program]:
    """The programs by the names of their services, with their state in folders under ``folder``.

    nginx is left out where it is not installed.
    """
    password = _password(folder)
    found: dict[str, Program] = {
        "postgres": Postgres(folder / "postgres", ports.postgres, password),
        "redis": Redis(folder / "redis", ports.redis),
        "migrate": Application(),
        "web-1": Web(1, ports.web_1),
        "web-2": Web(2, ports.web_2),
        "worker-1": Application(),
        "worker-2": Application(),
        "rabbitmq": Rabbitmq(folder / "rabbitmq", ports.rabbitmq, password),
    }
    if nginx.executable() is not None:
        found["nginx"] = Nginx(folder / "nginx", ports.nginx, _TEMPLATE, folder / "static")
    return found


def variables(folder: Path, found: dict[str, Program]) -> dict[str, str]:
    """The Compose file's variables that make its services run here."""
    merged = {
        "LISTEN": LOOPBACK,
        "TRUSTED_PROXIES": LOOPBACK,
        "STATE": str(folder),
        "SECRET_KEY": kept_secret(folder / "secret-key"),
        "POSTGRES_PASSWORD": _password(folder),
        "BROKER_URL": "",  # The Compose file's own, whatever this process has been told.
    }
    for program in found.values():
        merged |= program.variables()
    return merged


def _password(folder: Path) -> str:
    return kept_secret(folder / "postgres-password")
