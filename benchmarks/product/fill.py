"""Submits no-op jobs, and waits until the broker and the log have what they are told of them.

Run as a process of its own, with the environment of the product's web process.
"""

from __future__ import annotations

import sys

import django

django.setup()

from pushjobs import submit  # noqa: E402
from pushjobs.publisher import get_publisher  # noqa: E402

if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        submit("bench.noop")
    if not get_publisher().flush(60):
        raise RuntimeError("the log is out of reach")
