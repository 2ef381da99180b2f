"""Inserts rows and hands each to the actor that does nothing else than write it twice."""

from __future__ import annotations

import sys

import django

django.setup()

from django.db import transaction  # noqa: E402

from benchmarks.peers.plain.models import Report  # noqa: E402
from benchmarks.peers.plain.tasks import noop  # noqa: E402

if __name__ == "__main__":
    with transaction.atomic():  # One commit for all is the quickest.
        for _ in range(int(sys.argv[1])):
            noop.send(Report.objects.create(name="noop").pk)
