"""The wheel, installed as by someone who has nothing of this repository: it, and what it asks for.

Nothing is downloaded. The dependencies are the pinned ones that run the tests; of these only what
the wheel's metadata asks for, extras left out, is linked into the new environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from venv import EnvBuilder

from packaging.requirements import Requirement

from tests.processes import ROOT


@dataclass(frozen=True)
class Installation:
    """A virtual environment that has the package."""

    root: Path
    wheel: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.root / "bin" / "python")

    @property
    def packages(self) -> Path:
        """Its ``site-packages``."""
        places = {"base": str(self.root), "platbase": str(self.root)}
        return Path(sysconfig.get_path("purelib", "venv", places))

    @property
    def variables(self) -> dict[str, str]:
        """As after ``source bin/activate``, with nothing that the tests' own processes are told."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | {
            "PATH": os.pathsep.join([str(self.root / "bin"), os.defpath]),
            "VIRTUAL_ENV": str(self.root),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, folder: Path, *command: str) -> tuple[int, str]:
        """The exit code of a command of the environment, and what it prints."""
        ran = subprocess.run(
            command,
            cwd=folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout


def install(folder: Path) -> Installation:
    """Build the wheel into ``folder``, and make an environment there that has it."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    made = Installation(folder / "environment", wheel)
    EnvBuilder(symlinks=True).create(made.root)
    (package,) = Distribution.discover(name="pushjobs", path=[str(wheel)])
    for dependency in _dependencies(package):
        _link(dependency, made)
    # Fails where something that is asked for is not there, or in a version that does not do.
    pip = [sys.executable, "-m", "pip", "--python", made.python, "--disable-pip-version-check"]
    options = ["--quiet", "--no-index", "--no-compile"]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    return made


def _dependencies(package: Distribution) -> Iterable[Distribution]:
    """All that a package asks for, and they ask for in turn."""
    found: dict[str, Distribution] = {}
    asked = [(package, "")]
    seen = set()
    while asked:
        by, extra = asked.pop()
        for requirement in _requirements(by, extra):
            name = requirement.name.lower()
            found[name] = distribution(name)
            for wanted in {"", *requirement.extras}:
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    asked.append((found[name], wanted))
    return found.values()


def _requirements(package: Distribution, extra: str) -> Iterator[Requirement]:
    for text in package.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _link(package: Distribution, made: Installation) -> None:
    """Have a package of this environment in the other one, with its commands."""
    for name in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        place = made.packages / name
        if not place.exists():  # Two packages may share a folder.
            place.symlink_to(Path(str(package.locate_file(name))))
    for command in package.entry_points.select(group="console_scripts"):
        script = made.root / "bin" / command.name
        script.write_text(
            f"#!{made.python}\nimport sys\n"
            f"from {command.module} import {command.attr}\nsys.exit({command.attr}())\n"
        )
        script.chmod(0o755)
