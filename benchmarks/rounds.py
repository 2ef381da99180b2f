"""Rounds: candidates measured in turn, so that a noisy minute falls on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeVar

Candidate = TypeVar("Candidate")
Figures = Mapping[str, float]


def alternate(
    candidates: Sequence[Candidate],
    rounds: int,
    measure: Callable[[Candidate], Figures],
    once: Callable[[Candidate], bool] = lambda _: False,
) -> list[dict[str, float]]:
    """The medians of each figure, in the order of the candidates, measured ``in_turn``."""
    return [medians(figures) for figures in in_turn(candidates, rounds, measure, once)]


def in_turn(
    candidates: Sequence[Candidate],
    rounds: int,
    measure: Callable[[Candidate], Figures],
    once: Callable[[Candidate], bool] = lambda _: False,
) -> list[list[Figures]]:
    """Measure each candidate in each round, or ``once``, forwards and backwards in turn.

    Returns what each round found, in the order of the candidates.
    """
    found: list[list[Figures]] = [[] for _ in candidates]
    for number in range(rounds):
        order: Iterable[int] = range(len(candidates))
        for place in order if number % 2 == 0 else reversed(list(order)):
            if number == 0 or not once(candidates[place]):
                found[place].append(measure(candidates[place]))
    return found


def medians(found: Sequence[Figures]) -> dict[str, float]:
    """The median of each figure over the rounds that have it."""
    keys = dict.fromkeys(key for figures in found for key in figures)
    return {key: median(figures[key] for figures in found if key in figures) for key in keys}
