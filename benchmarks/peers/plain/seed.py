"""Makes rows for the bare read, and prints their keys as JSON."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from benchmarks.peers.plain.models import Report  # noqa: E402

if __name__ == "__main__":
    rows = [
        Report.objects.create(name="noop", status="running", percent=40)
        for _ in range(int(sys.argv[1]))
    ]
    sys.stdout.write(json.dumps([row.pk for row in rows]))
