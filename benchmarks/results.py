"""The results' file: what was found, on which machine, with which versions, of which commit."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import cores
from benchmarks.bench import ROOT
from benchmarks.table import Table

_PACKAGES = (
    *("django", "channels", "channels-redis", "daphne", "dramatiq", "uvicorn", "uvloop"),
    *("httptools", "websockets", "redis", "orjson", "psycopg", "django-eventstream"),
    *("celery", "celery-progress"),
)
_PROGRAMS = (
    ("nginx", "-v"),
    ("node", "--version"),
    ("redis-server", "--version"),
    ("postgres", "--version"),
)


def document(tables: Sequence[Table], **run: Any) -> dict[str, Any]:
    """All of a run, as JSON has it; ``run`` holds its options."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "run": run,
        "machine": _machine(),
        "versions": _versions(),
        "tables": [table.document() for table in tables],
    }


def write(found: dict[str, Any], folder: Path) -> Path:
    """Write ``<folder>/<date>.json``, with a number where there is one of that day."""
    folder.mkdir(parents=True, exist_ok=True)
    day, number = found["date"][:10], 1
    path = folder / f"{day}.json"
    while path.exists():
        number += 1
        path = folder / f"{day}-{number}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return path


def _machine() -> dict[str, Any]:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "server_has_a_core_to_itself": cores.pinned(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_at_the_end": [round(load, 2) for load in os.getloadavg()],
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for program, option in _PROGRAMS:
        if shutil.which(program) is not None:
            done = subprocess.run([program, option], capture_output=True, text=True, check=False)
            found[program] = (done.stdout or done.stderr).strip()
    return found


def _commit() -> str:
    """The commit, with a plus where the tree has changes that are in none."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    return (git("rev-parse", "HEAD") or "unknown") + ("+" if git("status", "--porcelain") else "")
