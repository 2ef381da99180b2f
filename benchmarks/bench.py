"""A run of benchmarks: its options, its folder, and the servers and stores that it has started."""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import cores
from benchmarks.process import Process
from benchmarks.stores import PostgresServer, RedisServer

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable


@dataclass
class Bench:
    """What a workload is given. Use it as a context: what it started ends with it.

    ``clients`` replaces the workload's own numbers of clients; ``seconds`` is how long one
    measurement takes; ``before`` is another checkout of the product to measure beside this one.
    """

    rounds: int = 3
    quick: bool = False
    seconds: float = 0.5
    clients: int | None = None
    before: Path | None = None
    only: Collection[str] = ()
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pushjobs-bench-")))
    _stack: ExitStack = field(default_factory=ExitStack)
    _processes: list[Process] = field(default_factory=list)
    _redis: RedisServer | None = None
    _postgres: PostgresServer | None = None
    _made: set[str] = field(default_factory=set)
    _making: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Bench:
        raise_file_limit()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        for store in (self._redis, self._postgres):
            if store is not None:
                store.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is started inside ends with it; stores stay."""
        outer, self._stack = self._stack, ExitStack()
        others, self._processes = self._processes, []
        try:
            yield
        finally:
            for process in self._processes:
                process.terminate()  # All of them, before the first is waited for.
            inner, self._stack, self._processes = self._stack, outer, others
            inner.close()

    @contextmanager
    def workload(self) -> Iterator[None]:
        """A scope at whose end the stores hold nothing more of it, but for what is ``made``."""
        with self.scope():
            yield
        if self._redis is not None:
            self._redis.flush()

    def wants(self, name: str) -> bool:
        """Whether a candidate was asked for, by a part of its name."""
        return not self.only or any(part in name for part in self.only)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        on: Collection[int] = cores.SERVER,
        **options: Any,
    ) -> Process:
        """Start a program, on the server's core unless others are given."""
        process = Process(
            name,
            command,
            folder=self.folder,
            environment=self.environment(cwd, environment),
            cwd=cwd,
            on=on,
            **options,
        )
        self._stack.callback(process.stop)
        self._processes.append(process)
        return process

    def environment(self, cwd: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """A program's environment: ``pushjobs`` from ``cwd``, ``benchmarks`` from here."""
        path = f"{cwd}:{ROOT}" if cwd != ROOT else str(ROOT)
        return {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(more or {})}

    def redis(self, database: int = 0) -> str:
        """The URL of a database of the run's Redis server."""
        with self._lock:
            if self._redis is None:
                self._redis = RedisServer(self.folder)
        return f"{self._redis.url}/{database}"

    def postgres(self, name: str, like: str | None = None) -> str:
        """The URL of a new database: an empty one that stays, or a copy that goes with the scope.

        ``like`` names the one that is copied.
        """
        with self._lock:
            if self._postgres is None:
                self._postgres = PostgresServer(self.folder)
            server = self._postgres
            url = server.create(name, like)
        if like is not None:
            self._stack.callback(server.drop, name)
        return url

    def made(self, name: str, make: Callable[[], object]) -> None:
        """Have ``make`` called once in a run for all who need what it makes."""
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            if name not in self._made:
                make()
                self._made.add(name)

    def callback(self, end: Callable[[], object]) -> None:
        """Have ``end`` called when the scope ends."""
        self._stack.callback(end)

    def new_folder(self, name: str) -> Path:
        """An empty folder for a program's state."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))


def raise_file_limit() -> None:
    """Each client takes a file descriptor: allow as many as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
