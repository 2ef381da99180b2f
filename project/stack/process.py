"""One service's process, with all that it starts: a session of its own, and a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_TAIL = 4000  # bytes of a log that are shown


class Process:
    """A process that can be ended and started again; its log is appended to."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def start(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], user: str | None
    ) -> None:
        """Start it; ``user`` is another user to run as, which only root may ask for.

        What an earlier one has left behind is killed first, as it would end with its container.
        """
        self.kill()
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                user=user,
                group=user and _group(user),
                extra_groups=None if user is None else (),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # A Ctrl-C is for the launcher, which then ends the others.
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process; to those that it has started, it passes it on itself."""
        if self.popen is not None:
            self.popen.send_signal(number)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises ``subprocess.TimeoutExpired``."""
        assert self.popen is not None
        return self.popen.wait(timeout)

    def kill(self) -> None:
        """``kill -9`` it and all that it has started, at once."""
        if self.popen is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def last_words(self) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-_TAIL:].decode(errors="replace").strip()


def _group(user: str) -> int:
    import pwd  # Not there on Windows, where no one is root.

    return pwd.getpwnam(user).pw_gid
