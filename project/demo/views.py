"""Plain Django views that take a while: a line makes jobs of their requests."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import isqrt

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils.html import format_html

from pushjobs import Run, respond_async, run_of


class ReportForm(forms.Form):
    """What the report is about: the prime numbers below ``below``, in ``steps`` parts."""

    below = forms.IntegerField(min_value=1, max_value=10_000_000, initial=200_000)
    steps = forms.IntegerField(min_value=1, max_value=200, initial=50)
    pause = forms.FloatField(min_value=0, max_value=2, initial=0.1)


@dataclass(frozen=True, slots=True)
class Report:
    """How many prime numbers there are below a number, and which is the largest."""

    below: int
    primes: int
    largest: int | None


@respond_async(when="always", coalesce=True)
def report(request: HttpRequest) -> HttpResponse:
    """The report as a page."""
    form = _asked(request)
    if not form.is_valid():
        return HttpResponseBadRequest(
            format_html(_PAGE, title="Report", body=form.errors), content_type="text/html"
        )
    made = _report(run_of(request), **form.cleaned_data)
    body = format_html(
        "<p>Below {} there are <strong>{}</strong> prime numbers; the largest is {}.</p>",
        made.below,
        made.primes,
        "none" if made.largest is None else made.largest,
    )
    return HttpResponse(format_html(_PAGE, title="Report", body=body))


@respond_async
def report_json(request: HttpRequest) -> HttpResponse:
    """The report as JSON; in the background for who prefers it so."""
    form = _asked(request)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors.get_json_data()}, status=400)
    made = _report(run_of(request), **form.cleaned_data)
    return JsonResponse({"below": made.below, "primes": made.primes, "largest": made.largest})


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1>{body}</html>
"""


def _asked(request: HttpRequest) -> ReportForm:
    initial = {name: field.initial for name, field in ReportForm.base_fields.items()}
    return ReportForm(initial | request.GET.dict())


def _report(run: Run, below: int, steps: int, pause: float) -> Report:
    """Find the primes with a sieve, part after part; ``pause`` seconds between two make it slow."""
    small = _sieve(isqrt(below) + 1)
    primes, largest = 0, None
    size = -(-below // steps)
    for start in run.track(range(0, below, size), message="sieving"):
        found = _primes_in(start, min(start + size, below), small)
        primes += len(found)
        largest = found[-1] if found else largest
        time.sleep(pause)
    return Report(below, primes, largest)


def _sieve(end: int) -> list[int]:
    candidates = bytearray([1]) * max(end, 2)
    candidates[0] = candidates[1] = 0
    for number in range(2, isqrt(end) + 1):
        if candidates[number]:
            candidates[number * number :: number] = bytes(
                len(candidates[number * number :: number])
            )
    return [number for number in range(end) if candidates[number]]


def _primes_in(start: int, end: int, small: list[int]) -> list[int]:
    candidates = bytearray([1]) * (end - start)
    for prime in small:
        first = max(prime * prime, -(-start // prime) * prime) - start
        candidates[first::prime] = bytes(len(candidates[first::prime]))
    return [start + place for place, left in enumerate(candidates) if left and start + place > 1]
