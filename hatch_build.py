"""The browser's part of the package, built out of ``frontend/`` by npm where that is there.

hatchling runs it for each wheel. As a program it builds what is missing or old, or runs npm's
scripts that it is told, as ``python hatch_build.py test``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: The oldest that Vite runs on.
NODE = (20, 19)
_BUNDLES = ("pushjobs.js", "pushjobs-elements.js")


class NoNpm(Exception):
    """npm is not to be used on this machine; the text says why, and what to do."""


class Frontend:
    """``frontend/``, and what is built out of it into the package's static files."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "frontend"
        self._bundles = [root / "pushjobs" / "static" / "pushjobs" / name for name in _BUNDLES]

    @property
    def built(self) -> bool:
        """Whether the bundles are there, if not from the sources as they are now."""
        return all(file.exists() for file in self._bundles)

    @property
    def fresh(self) -> bool:
        """Whether the bundles are there, and nothing that they are made of is newer."""
        return self.built and _oldest(self._bundles) >= _newest(self._sources())

    def build(self) -> None:
        """Build the bundles, unless they are fresh; raises as ``run``."""
        if not self.fresh:
            self.run("build")

    def run(self, script: str) -> None:
        """Run a script of ``package.json``; the pinned packages are installed before the first.

        Raises ``NoNpm``, and ``subprocess.CalledProcessError`` where the script fails.
        """
        npm = _npm()
        # npm keeps a list of what it has installed.
        installed = self._folder / "node_modules" / ".package-lock.json"
        if not installed.exists() or _oldest([installed]) < _newest([self._pinned]):
            print("Installing the packages of frontend/, once.", flush=True)  # noqa: T201
            done = subprocess.run([npm, "ci", "--loglevel=error"], cwd=self._folder, check=False)
            if done.returncode:
                raise NoNpm("`npm ci` fails in frontend/")
            installed.touch()
        subprocess.run([npm, "run", "--silent", script], cwd=self._folder, check=True)

    def told(self, why: NoNpm) -> str:
        """That the bundles cannot be built."""
        state = "older than its sources" if self.built else "missing"
        return f"The browser's client is {state}, and cannot be built: {why}."

    @property
    def _pinned(self) -> Path:
        return self._folder / "package-lock.json"

    def _sources(self) -> Iterator[Path]:
        for folder in ("src", "scripts"):
            yield from (file for file in (self._folder / folder).rglob("*") if file.is_file())
        yield from (self._pinned, self._folder / "vite.config.ts")
        yield from self._folder.glob("tsconfig*.json")


class BundleHook(BuildHookInterface[BuilderConfig]):
    """Has the bundles in what is built, or says that they are not."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        frontend = Frontend(Path(self.root))
        try:
            frontend.build()
        except NoNpm as error:
            self.app.display_warning(frontend.told(error))


def _npm() -> str:
    """The path of npm, where it and a Node.js that is new enough are there."""
    wanted = f"Node.js {'.'.join(map(str, NODE))} or newer is needed, with npm"
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise NoNpm(f"{wanted}, and not installed")
    told = subprocess.run([node, "--version"], check=False, capture_output=True, text=True).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", told)
    if found is None or (int(found[1]), int(found[2])) < NODE:
        raise NoNpm(f"{wanted}, and this is {told.strip() or 'another program'}")
    return npm


def _oldest(files: Iterable[Path]) -> float:
    return min(file.stat().st_mtime for file in files)


def _newest(files: Iterable[Path]) -> float:
    return max((file.stat().st_mtime for file in files), default=0.0)


def main(scripts: Sequence[str]) -> None:
    """Build the bundles, or run these scripts; where npm is not there, say so and go on."""
    frontend = Frontend(Path(__file__).parent)
    try:
        if not scripts:
            frontend.build()
        for script in scripts:
            frontend.run(script)
    except NoNpm as error:
        left_out = f"`npm run {' '.join(scripts)}` is left out: {error}."
        print(left_out if scripts else frontend.told(error))  # noqa: T201
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
