"""The stack: the Compose file's services as processes, started in its order and stopped in ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from project.stack.composefile import Service, read
from project.stack.ports import require_free
from project.stack.process import Process
from project.stack.programs.contract import Program, Rank, StackError
from project.stack.topology import COMPOSE_FILE, ROOT, Ports, programs, variables

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05
#: What a service gets of this process's environment; in a container it would get nothing.
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "USER")


class Stack:
    """The services of the Compose file on this machine, with their state in ``folder``.

    They are those of ``only``, or all that can run here; RabbitMQ only with ``rabbitmq``.
    ``settings`` are the Compose file's variables, over those of this process's environment.
    ``environment`` goes on top of what the file says for each service; it may be changed while
    the stack runs, and counts from the next start of a service.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        environment: dict[str, str] | None = None,
        only: Collection[str] | None = None,
        rabbitmq: bool = False,
    ) -> None:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.ports = ports or Ports()
        self.environment = {} if environment is None else environment
        wanted = set(only) if only is not None else None
        self.programs: dict[str, Program] = {
            name: program
            for name, program in programs(self.folder, self.ports).items()
            if (wanted is None or name in wanted) and (rabbitmq or name != "rabbitmq")
        }
        filled = {**os.environ, **variables(self.folder, self.programs), **(settings or {})}
        self.services: dict[str, Service] = {
            name: service
            for name, service in read(
                COMPOSE_FILE, filled, ["rabbitmq"] if rabbitmq else []
            ).items()
            if name in self.programs
        }
        self.processes = {
            name: Process(name, self.folder / "logs" / f"{name}.log") for name in self.services
        }

    def require_ports(self) -> None:
        """Raises ``PortTaken`` if a service could not listen where it is to."""
        for port in self.ports.of(self.services).values():
            require_free(port)

    def start(self) -> None:
        """Start all services and wait until they are ready.

        Raises ``PortTaken`` before anything is started, and ``StackError`` if a process ends or
        is not ready after a minute.
        """
        self.require_ports()
        ready: set[str] = set()
        for name, service in self.services.items():
            needed = set(service.after) & set(self.services)
            self._await_ready(needed - ready)
            ready |= needed
            self.processes[name].log.unlink(missing_ok=True)
            self.start_service(name)
        self._await_ready(set(self.services) - ready)

    def start_service(self, name: str) -> None:
        """Start a service that does not run; one that runs once only is waited for."""
        service, program = self.services[name], self.programs[name]
        environment = self.environment_of(name)
        program.prepare(environment)
        if name == "nginx":
            self._collect_static()
        process = self.processes[name]
        process.start(
            program.command(service.command),
            cwd=ROOT if program.user is None else self.folder / name,
            environment=environment,
            user=program.user,
        )
        if service.one_shot and process.wait() != 0:
            raise StackError(self.report(name))

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment that a service is started with."""
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        merged = {
            **passed_on,
            "PYTHONUNBUFFERED": "1",
            **self.services[name].environment,
            **self.programs[name].environment(),
            **self.environment,
        }
        # The programs of this virtual environment, by the names that they have in the image.
        merged["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), merged.get("PATH", "")])
        return merged

    def ended(self) -> list[str]:
        """The services that do not run and should."""
        return [
            name
            for name, process in self.processes.items()
            if process.popen is not None
            and not process.running
            and not self.services[name].one_shot
        ]

    def report(self, name: str) -> str:
        """How a service ended, and the end of its log."""
        process = self.processes[name]
        code = process.popen and process.popen.poll()
        words = process.last_words() or "nothing"
        return f"{name} ended with {code}; the end of {process.log} is:\n{words}"

    def stop(self) -> None:
        """Stop all: first the application, gracefully, then what it needs.

        What is still there when this is interrupted, by a Ctrl-C, is killed.
        """
        try:
            for rank in Rank:
                self._stop([name for name in self.services if self.programs[name].rank is rank])
        finally:
            self.kill()

    def kill(self) -> None:
        """End all at once, without any grace."""
        for process in self.processes.values():
            process.kill()

    def _stop(self, names: list[str]) -> None:
        running = [name for name in names if self.processes[name].running]
        began = time.monotonic()
        for name in running:
            self.processes[name].signal(signal.Signals[self.services[name].stop_signal])
        for name in running:
            left = began + self.services[name].stop_grace - time.monotonic()
            with suppress(subprocess.TimeoutExpired):
                self.processes[name].wait(max(0.0, left))
        for name in running:
            self.processes[name].kill()  # With what it may have left behind.

    def _await_ready(self, names: set[str]) -> None:
        waiting = {name for name in names if not self.services[name].one_shot}
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            for name in self.ended():
                raise StackError(self.report(name))
            waiting = {name for name in waiting if not self.programs[name].ready()}
            if not waiting:
                return
            if time.monotonic() > deadline:
                names_left = ", ".join(sorted(waiting))
                raise StackError(f"not ready after a minute: {names_left}; logs: {self.folder}")
            time.sleep(_POLL_SECONDS)

    def _collect_static(self) -> None:
        """What the image has from its build."""
        done = subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
            cwd=ROOT,
            env=self.environment_of("web-1"),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StackError(f"the static files could not be collected:\n{done.stderr}")
