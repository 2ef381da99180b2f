"""The build of the browser's client: when it is run, and what is said where it cannot be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hatch_build import Frontend, NoNpm

#: Takes the place of npm: writes down what it is told, and does it.
NPM = """#!/bin/sh
echo "$*" >> ../calls
case "$1" in
  ci) [ ! -e offline ] || exit 1; mkdir -p node_modules; touch node_modules/.package-lock.json ;;
  run) [ ! -e broken ] || exit 2
       cd ../pushjobs/static/pushjobs && touch pushjobs.js pushjobs-elements.js ;;
esac
"""
INSTALL, BUILD = "ci --loglevel=error", "run --silent build"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose client was never built, on a machine with npm."""
    for folder in ("bin", "frontend/src", "frontend/scripts", "pushjobs/static/pushjobs"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("package-lock.json", "vite.config.ts", "src/index.ts"):
        (tmp_path / "frontend" / name).touch()
    for name, text in (("npm", NPM), ("node", "#!/bin/sh\necho v20.19.0\n")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.defpath}")
    return tmp_path


def calls(tree: Path) -> list[str]:
    """What npm was told, since this was asked last."""
    log = tree / "calls"
    told = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return told


def touch(path: Path) -> None:
    """Make a file newer than all others."""
    path.touch()
    later = path.stat().st_mtime + 5
    os.utime(path, (later, later))


def test_it_is_built_once_and_anew_when_a_source_is_newer(tree: Path) -> None:
    frontend = Frontend(tree)
    frontend.build()
    assert calls(tree) == [INSTALL, BUILD]
    frontend.build()
    assert calls(tree) == []
    touch(tree / "frontend" / "src" / "index.ts")
    frontend.build()
    assert calls(tree) == [BUILD]


def test_the_packages_are_installed_anew_when_others_are_pinned(tree: Path) -> None:
    frontend = Frontend(tree)
    frontend.build()
    calls(tree)
    touch(tree / "frontend" / "package-lock.json")
    frontend.run("test")
    assert calls(tree) == [INSTALL, "run --silent test"]


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("npm", "Node.js 20.19 or newer is needed, with npm, and not installed"),
        ("node", "Node.js 20.19 or newer is needed, with npm, and not installed"),
        ("version", "Node.js 20.19 or newer is needed, with npm, and this is v18.20.4"),
        ("network", "`npm ci` fails in frontend/"),
    ],
)
def test_what_is_lacking_is_said(
    tree: Path, monkeypatch: pytest.MonkeyPatch, lacking: str, said: str
) -> None:
    monkeypatch.setenv("PATH", str(tree / "bin"))
    match lacking:
        case "version":
            (tree / "bin" / "node").write_text("#!/bin/sh\necho v18.20.4\n")
        case "network":
            (tree / "frontend" / "offline").touch()
        case program:
            (tree / "bin" / program).unlink()
    frontend = Frontend(tree)
    with pytest.raises(NoNpm) as error:
        frontend.build()
    assert frontend.told(error.value) == (
        f"The browser's client is missing, and cannot be built: {said}."
    )


def test_a_bundle_that_is_old_is_told_from_one_that_is_missing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontend = Frontend(tree)
    frontend.build()
    touch(tree / "frontend" / "src" / "index.ts")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoNpm) as error:
        frontend.build()
    assert "is older than its sources, and" in frontend.told(error.value)


def test_what_is_wrong_with_the_sources_is_an_error(tree: Path) -> None:
    (tree / "frontend" / "broken").touch()
    with pytest.raises(subprocess.CalledProcessError):
        Frontend(tree).build()
