"""The public names keep their types for a project that checks its own with mypy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_mypy_sees_the_types_of_the_public_names_and_every_mistake() -> None:
    files = ["tests/typing/api.py", "tests/typing/client.py"]
    command = [sys.executable, "-m", "mypy", "--strict", *files]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert checked.returncode == 0, checked.stdout + checked.stderr
