"""The generator as those who measure see it: a process that is asked and answers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import cores
from benchmarks.bench import PYTHON, ROOT, Bench
from benchmarks.generator.loss import Lost
from benchmarks.process import cpu_seconds


class Generator:
    """A load generator beside the server's core; its methods raise ``Lost``."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._log = (bench.folder / f"{name}-generator.log").open("ab")
        self._popen = subprocess.Popen(
            cores.wrap([PYTHON, "-m", "benchmarks.generator"], cores.OTHERS),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.size = 0

    def cpu_seconds(self) -> float:
        """Processor time that it has used so far, without its publisher."""
        return cpu_seconds(self._popen.pid)

    def crowd(
        self, port: int, transport: str, ready: str, follows: Path, *, keep: bool = False
    ) -> None:
        """Follow the channels that the file ``follows`` names, with no client for now.

        Clients that there are hang up, or ``keep`` their connections and are no longer counted.
        """
        self.size = 0
        options = {"port": port, "transport": transport, "ready": ready}
        self._ask("crowd", **options, follows=str(follows), keep=keep)

    def publisher(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        """Start the program that publishes."""
        self._ask("publisher", command=command, environment=environment, cwd=str(cwd))

    def grow(self, size: int, **options: Any) -> float:
        """Have so many clients; the seconds that it took until all followed their channels."""
        self.size = size
        return float(self._ask("grow", size=size, **options)["seconds"])

    def shrink(self, *, resume: bool = False) -> None:
        """Have no clients; with ``resume`` those that come back bring their cursors."""
        self.size = 0
        self._ask("shrink", resume=resume)

    def warm_up(self) -> None:
        self._ask("warm_up")

    def closed(self, seconds: float, window: int) -> dict[str, float]:
        """A closed loop for so long: ``seconds``, ``events``, ``deliveries``."""
        return self._ask("closed", seconds=seconds, window=window)

    def open(self, seconds: float, rate: float) -> dict[str, float]:
        """An open loop of ``rate`` events a second: also ``each_p50`` … ``last_p99``, in s."""
        return self._ask("open", seconds=seconds, rate=rate)

    def stop(self) -> None:
        """End it, and its publisher."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._log.close()

    def _ask(self, do: str, **options: Any) -> dict[str, Any]:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps({"do": do, **options}) + "\n")
        self._popen.stdin.flush()
        answer = json.loads(self._popen.stdout.readline() or '{"lost": "the generator has ended"}')
        if "lost" in answer:
            raise Lost(answer["lost"])
        return dict(answer)
