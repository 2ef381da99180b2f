"""Does what a tutorial says, in an environment, and sees that it goes as the tutorial says."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from project.stack.ports import free_port
from tests.acceptance.answers import Names
from tests.acceptance.installation import Installation
from tests.acceptance.tutorial import Command, Edit, File, Step
from tests.processes import START_TIMEOUT

#: How the commands begin that have been run before: they made the environment.
_BEFORE = (["python", "-m", "venv"], [".", "environment/bin/activate"], ["pip", "install"])
_PORT = "8000"

_curl = argparse.ArgumentParser()
_curl.add_argument("-i", action="store_true")
_curl.add_argument("-N", dest="streamed", action="store_true")
_curl.add_argument("-H", dest="headers", action="append", default=[])
_curl.add_argument("url")


@dataclass
class Walkthrough:
    """Where it is, and what it has seen so far."""

    installation: Installation
    folder: Path
    names: Names = field(default_factory=Names)
    port: int = field(default_factory=free_port)
    server: subprocess.Popen[bytes] | None = None

    def take(self, steps: Iterable[Step]) -> None:
        """Take these steps; raises ``AssertionError`` where one does not go as it is said to."""
        for step in steps:
            match step:
                case File(path, text):
                    (self.folder / path).write_text(text)
                case Edit():
                    step.apply(self.folder)
                case Command(words) if not any(words[: len(known)] == known for known in _BEFORE):
                    self._run(step)

    def stop(self) -> None:
        if self.server is not None:
            self.server.terminate()
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has printed."""
        return (self.folder / "server.log").read_text()

    def _run(self, command: Command) -> None:
        match command.words:
            case ["cd", folder]:
                self.folder /= folder
            case ["curl", *words]:
                self._ask(_curl.parse_args(words), command.answer)
            case ["python", "manage.py", "serve"]:
                self._serve()
                for line in command.printed:
                    assert line.replace(_PORT, str(self.port)) in self.log
            case words:
                code, printed = self.installation.run(self.folder, *words)
                assert code == 0, printed
                for line in command.printed:
                    assert line in printed

    def _serve(self) -> None:
        with (self.folder / "server.log").open("wb") as log:
            self.server = subprocess.Popen(
                ["python", "manage.py", "serve", "--port", str(self.port)],
                executable=self.installation.python,
                cwd=self.folder,
                env=self.installation.variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while "Serving on" not in self.log:
            assert self.server.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def _ask(self, asked: argparse.Namespace, shown: str) -> None:
        url = self.names.fill(asked.url).replace(_PORT, str(self.port))
        headers = dict(self.names.fill(line).split(": ", 1) for line in asked.headers)
        with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
            if asked.streamed:
                lines = list(answer.iter_lines())  # A stream of one job ends with its end.
                told = [line for line in lines if line.startswith("event: ")]
                expected = shown.splitlines()
                assert [line for line in told if line in expected] == expected, lines
                assert told[-1] == expected[-1]
            elif shown:
                answer.read()
                self.names.check(shown, answer)
