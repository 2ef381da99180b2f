"""The project's own processes: they run here as they do in a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from project.stack.ports import LOOPBACK
from project.stack.programs.contract import Rank


class Application:
    """A process that listens nowhere: a worker, or a command that runs to its end."""

    rank = Rank.APPLICATION
    address = ""
    user: str | None = None

    def variables(self) -> dict[str, str]:
        return {}

    def prepare(self, environment: Mapping[str, str]) -> None:
        """It brings all that it needs."""

    def command(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def environment(self) -> dict[str, str]:
        return {}

    def ready(self) -> bool:
        return True


class Web(Application):
    """A web process; ready when its readiness probe says so."""

    def __init__(self, number: int, port: int) -> None:
        self._number = number
        self._port = port
        self.address = f"http://{LOOPBACK}:{port}"

    def variables(self) -> dict[str, str]:
        return {
            f"WEB_{self._number}_HOST": LOOPBACK,
            f"WEB_{self._number}_PORT": str(self._port),
        }

    def ready(self) -> bool:
        return answers(f"{self.address}/health/ready")


def answers(url: str) -> bool:
    """Whether a GET of ``url`` is answered with 200."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
