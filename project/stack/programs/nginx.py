"""nginx, where it is installed, with the configuration that the image has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from project.stack.ports import LOOPBACK
from project.stack.programs.application import answers
from project.stack.programs.contract import Rank

# Where distributions put it, which is not on the PATH of everyone.
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def executable() -> str | None:
    """nginx, or None where there is none."""
    return shutil.which("nginx", path=_PLACES)


class Nginx:
    """nginx in front of the web processes."""

    rank = Rank.FRONT
    user: str | None = None

    def __init__(self, folder: Path, port: int, template: Path, static: Path) -> None:
        self._folder = folder
        self._port = port
        self._template = template
        self._static = static
        self.address = f"http://{LOOPBACK}:{port}"

    def variables(self) -> dict[str, str]:
        return {
            "NGINX_FOLDER": str(self._folder),
            "NGINX_PORT": str(self._port),
            "NGINX_STATIC": str(self._static),
            "NGINX_MIME_TYPES": str(_installed_configuration().with_name("mime.types")),
        }

    def prepare(self, environment: Mapping[str, str]) -> None:
        """Render the template, as the entry point of the image does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = self._template.read_text()
        for name, value in environment.items():
            text = text.replace(f"${{{name}}}", value)
        (self._folder / "nginx.conf").write_text(text)

    def command(self, command: Sequence[str]) -> list[str]:
        options = list(command[1:])
        if os.geteuid() == 0:
            # Else root's nginx runs its processes as a user who may not read the folder.
            options[options.index("-g") + 1] += " user root;"
        return [executable() or command[0], *options, "-p", str(self._folder)]

    def environment(self) -> dict[str, str]:
        return {}

    def ready(self) -> bool:
        return answers(f"{self.address}/health/ready")


def _installed_configuration() -> Path:
    """The configuration file that nginx was built to read."""
    told = subprocess.run(
        [executable() or "nginx", "-V"], capture_output=True, text=True, check=True
    ).stderr
    found = re.search(r"--conf-path=(\S+)", told)
    return Path(found[1] if found else "/etc/nginx/nginx.conf")
