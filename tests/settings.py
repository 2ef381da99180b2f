"""Settings of the tests: the reference project's, with short times and the tests' own jobs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A directory of the run's own, unless a test that starts a server names one.
if "VAR" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="pushjobs-tests-")
    os.environ["VAR"] = _folder
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-to-be-no-weak-key-0123456789")

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS, PUSHJOBS, VAR

INSTALLED_APPS = [*INSTALLED_APPS, "tests.app"]
ROOT_URLCONF = "tests.urls"

# A file, as in the embedded set-up: threads have connections of their own.
DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR) / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

PUSHJOBS = {
    "RELAY_INTERVAL": 0.1,
    "HEARTBEAT_INTERVAL": 0.1,
    "RETRY_BACKOFF": 0.05,
    "CANCEL_GRACE": 0.3,
    "SHUTDOWN_GRACE": 1,
    "SWEEP_INTERVAL": 0.5,
    "ANNOUNCE_AFTER": 1,
    "USER_SUBMISSIONS": "1000000/minute",
    "ADDRESS_SUBMISSIONS": "1000000/minute",
    **PUSHJOBS,
}
CORS_ALLOWED_ORIGINS = ["https://app.example"]
