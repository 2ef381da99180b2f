"""``make stack`` as a process: what it has said, and what it has started."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import psutil

from project.stack.ports import free_port
from tests.processes import ROOT
from tests.waiting import until

_LINE = re.compile(r"^(\S+) +(\S+) +process (\d+)$", re.MULTILINE)


class Launched:
    """The launcher in the foreground of a session of its own."""

    def __init__(self, folder: Path, port: int, **environment: str) -> None:
        self.folder = folder
        self.port = port
        with NamedTemporaryFile(dir=folder.parent, suffix=".out", delete=False) as output:
            self._output = Path(output.name)
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "project.stack", "--port", str(port)],
                cwd=ROOT,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "VAR": str(folder)} | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def addresses(self) -> dict[str, str]:
        """Where the services listen, by name, as it has said."""
        return {name: address for name, address, _ in _LINE.findall(self.output)}

    def process(self, name: str) -> psutil.Process:
        """A service's process, as it has said last."""
        numbers = {name: int(number) for name, _, number in _LINE.findall(self.output)}
        return psutil.Process(numbers[name])

    def log_of(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.log").read_text()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.output or self.popen.poll() is not None)
        assert text in self.output, self.output

    def all_processes(self) -> list[psutil.Process]:
        """The launcher, its services, and all that these have started."""
        launcher = psutil.Process(self.popen.pid)
        return [launcher, *launcher.children(recursive=True)]

    def stop(self, number: signal.Signals) -> int:
        """Send it a signal; returns its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(60)


@contextmanager
def launched(folder: Path, **environment: str) -> Iterator[Launched]:
    """A launcher that runs while inside, with its state in ``folder``."""
    stack = Launched(folder, _three_free_ports(), **environment)
    try:
        yield stack
    finally:
        stack.stop(signal.SIGTERM)


def _three_free_ports() -> int:
    """The first of three ports in a row on which nothing listens."""
    taken = {item.laddr.port for item in psutil.net_connections("tcp")}
    while True:
        port = free_port()
        if port < 65_000 and not taken & {port, port + 1, port + 2}:
            return port
