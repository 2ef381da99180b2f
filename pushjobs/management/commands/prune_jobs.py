"""``manage.py prune_jobs``: retention by hand."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from pushjobs import files, orphans
from pushjobs.models import Job
from pushjobs.pruning import BATCH, Pruning
from pushjobs.queries import JobQuerySet, from_now
from pushjobs.retention import LONGEST
from pushjobs.status import TERMINAL

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_AGE = re.compile(r"([0-9]{1,9})([smhd]?)")
_MAX_BATCH = 1000


class Command(BaseCommand):
    help = (
        "Remove the jobs whose retention is over, with their files, as the relay does. "
        "May run beside any number of relays. Ends with 1 where some could not be removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be removed, and remove nothing"
        )
        parser.add_argument(
            "--older-than",
            type=_age,
            metavar="AGE",
            help="remove the jobs that ended so long ago, whatever their retention: "
            "90 or 90s, 30m, 12h, 7d",
        )
        parser.add_argument(
            "--status",
            action="append",
            choices=sorted(TERMINAL),
            help="only jobs that ended so; may be given more than once",
        )
        parser.add_argument(
            "--batch",
            type=_batch,
            default=BATCH,
            metavar="N",
            help=f"so many jobs at a time, up to {_MAX_BATCH} (default: {BATCH})",
        )
        parser.add_argument(
            "--orphans",
            action="store_true",
            help="remove also the files of jobs that the database does not know, made over a day "
            "ago. Not where another database has its files in the same storage!",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = _chosen(options["older_than"], options["status"])
        if options["dry_run"]:
            self._foretell(jobs)
            failed = 0
        else:
            failed = self._prune(jobs, options["batch"], options["verbosity"])
        if options["orphans"]:
            self._remove_orphans(dry_run=options["dry_run"])
        if failed:
            raise CommandError("some jobs could not be removed; the log says why")

    def _foretell(self, jobs: JobQuerySet) -> None:
        found = jobs.order_by("status").values_list("status").annotate(Count("pk"))
        counts = {str(status): number for status, number in found}
        parts = ", ".join(f"{number} {status}" for status, number in counts.items())
        self._say(f"would remove {_jobs(sum(counts.values()))}" + (f": {parts}" if parts else ""))

    def _prune(self, jobs: JobQuerySet, batch: int, verbosity: int) -> int:
        total = jobs.count()
        pruning = Pruning(jobs, batch=batch)
        while not pruning.step():
            if verbosity:
                self._say(f"removed {pruning.removed} of {_jobs(total)}")
        self._say(f"removed {_jobs(pruning.removed)}")
        return pruning.failed

    def _remove_orphans(self, *, dry_run: bool) -> None:
        number = 0
        try:
            for key in orphans.find():
                if not dry_run:
                    files.delete_all(key)
                number += 1
        except NotImplementedError:
            raise CommandError("the storage cannot list its files") from None
        said = "would remove" if dry_run else "removed"
        self._say(f"{said} the files of {_jobs(number)} without a row")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _chosen(older_than: int | None, statuses: list[str] | None) -> JobQuerySet:
    jobs = JobQuerySet(Job)
    if older_than is None:
        jobs = jobs.expired().order_by("expires_at")
    else:
        jobs = jobs.ended().filter(finished_at__lt=from_now(-older_than)).order_by("pk")
    return jobs.filter(status__in=statuses) if statuses else jobs


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


def _age(text: str) -> int:
    found = _AGE.fullmatch(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else -1
    if not 0 <= seconds <= LONGEST:
        raise ArgumentTypeError(f"{text!r} is no age; write 90s, 30m, 12h or 7d")
    return seconds


def _batch(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _MAX_BATCH):
        raise ArgumentTypeError(f"a batch is 1 to {_MAX_BATCH} jobs, not {text!r}")
    return int(text)
