"""Processes under measurement: pinned to a core, with what they use of time and memory."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks import cores

_START = 30.0  # seconds that a server may take to listen
_STOP = 10.0
_TAIL = 3000


class Failed(Exception):
    """A program did not do what a measurement needs; the message has the end of its log."""


class Process:
    """A program in a session of its own; its output goes to ``<folder>/<name>.log``.

    Runs on the server's core unless other ones are given. One that is ``abrupt`` has nothing to
    keep and is killed; others are told to end, and may take their time.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        on: Collection[int] = cores.SERVER,
        user: str | None = None,
        abrupt: bool = False,
    ) -> None:
        self.name = name
        self._abrupt = abrupt
        self._told = abrupt
        self._log = folder / f"{name}.log"
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                cores.wrap(list(command), on),
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else (),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def pids(self) -> list[int]:
        """The process and all that it has started."""
        return [self.pid, *_descendants(self.pid)]

    def cpu_seconds(self) -> float:
        """Processor time of the process and of those it has started, so far."""
        return sum(map(cpu_seconds, self.pids()))

    def user_seconds(self) -> float:
        """That part of it which the kernel has not spent for them, in ticks of a hundredth."""
        return sum(map(_user_seconds, self.pids()))

    def memory(self) -> int:
        """Bytes of memory: proportional set size, so that what processes share counts once."""
        return sum(map(_memory, self.pids()))

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens; raises ``Failed``."""
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                break
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.02)
        raise self.failed(f"does not listen on {port}")

    def wait(self, timeout: float) -> None:
        """Wait until it has ended; raises ``Failed`` unless with 0."""
        try:
            code = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failed(f"has not ended after {timeout} s") from None
        if code:
            raise self.failed(f"ended with {code}")

    def terminate(self) -> None:
        """Tell it once to end."""
        if not self._told and self._popen.poll() is None:
            self._told = True
            self._popen.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to it and all that it has started where that is not enough."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(0 if self._abrupt else _STOP)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def output(self) -> str:
        """All that it has printed."""
        return self._log.read_text()

    def failed(self, what: str) -> Failed:
        """An error that shows the end of the log."""
        log = self._log.read_bytes()[-_TAIL:].decode(errors="replace")
        return Failed(f"{self.name} {what}\n{log}")


def free_port() -> int:
    """A port of the loopback address on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield child
                yield from _descendants(child)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far; 0 where it has gone."""
    # The process's CPU-time clock (clock_getcpuclockid(3)): in nanoseconds, where /proc has ticks.
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _user_seconds(pid: int) -> float:
    with suppress(OSError):
        # proc(5): utime is the 14th field, and the second is a name in parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _memory(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
