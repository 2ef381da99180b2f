"""The oracle complains of each thing that can go wrong, and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pushjobs.cursor import Cursor, Position
from tests.chaos.evidence import Asked, Evidence, Logged, Row
from tests.chaos.history import History
from tests.chaos.ledger import Stint
from tests.chaos.oracle import judge
from tests.chaos.tally import Tally

JOB, KEY, EPOCH = "01900000-0000-7000-8000-000000000001", "key-1", "aaaa"
TYPES = ("job.queued", "job.started", "job.output", "job.progress", "job.succeeded")


def event(kind: str, attempt: int = 1, **data: Any) -> dict[str, Any]:
    return {"type": kind, "job": JOB, "attempt": attempt, "time": "now", "data": data}


def position(offset: int, epoch: str = EPOCH) -> Position:
    return Position(epoch, offset)


def cursor(offset: int, epoch: str = EPOCH) -> str:
    return Cursor.encode_one(f"job:{JOB}", position(offset, epoch))


EVENTS = {
    offset: event(kind, 0 if offset == 1 else 1, **({"chunk": "1.0;"} if offset == 3 else {}))
    for offset, kind in enumerate(TYPES, start=1)
}


def history(*offsets: int) -> History:
    """A client that was told these events, and that there is no more."""
    told = History("client", {"id": JOB, "token": ""}, cursor(0))
    for offset in offsets:
        told.take(EVENTS[offset], cursor(offset))
    told.told_over = True
    return told


def evidence(*histories: History) -> Evidence:
    """All in order, but for what the histories say."""
    return Evidence(
        accepted={KEY: {JOB}},
        asked={JOB: Asked(speech="{attempt}.0;")},
        rows={JOB: Row("succeeded", 1, KEY, 0.0)},
        logs={JOB: Logged([(position(offset), told) for offset, told in EVENTS.items()])},
        histories=histories,
        stints=[Stint(JOB, 1, 10, 0.0, 1.0)],
    )


def judged(*histories: History, **changes: Any) -> Tally:
    return judge(replace(evidence(*histories), **changes))


def test_it_is_content_where_all_is_well() -> None:
    tally = judged(history(1, 2, 3, 4, 5), history(1, 2, 3, 5))  # Progress may be left out.
    assert tally.problems == []
    assert tally.good
    assert (tally.accepted, tally.ended, tally.expected, tally.seen) == (1, 1, 8, 8)


def test_it_counts_a_missed_event() -> None:
    tally = judged(history(1, 3, 4, 5))
    assert (tally.missed, tally.good) == (1, False)
    assert "missed job.started" in tally.problems[0]


def test_it_counts_a_repeated_event() -> None:
    tally = judged(history(1, 2, 3, 3, 5))
    assert (tally.repeated, tally.good) == (1, False)


def test_it_counts_an_event_out_of_order() -> None:
    tally = judged(history(1, 3, 2, 5))
    assert (tally.disordered, tally.missed) == (1, 1)


def test_it_misses_an_end_that_a_client_never_learns() -> None:
    tally = judged(history(1, 2, 3))
    assert tally.missed == 1
    assert any("never learnt" in problem for problem in tally.problems)
    assert any("and not how" in problem for problem in tally.problems)


def test_it_misses_output_that_the_log_itself_has_lost() -> None:
    kept = {offset: told for offset, told in EVENTS.items() if offset != 3}
    logged = Logged([(position(offset), told) for offset, told in kept.items()])
    tally = judged(history(1, 2, 4, 5), logs={JOB: logged})
    assert tally.missed == 2  # The gap, and the words that no one heard.
    assert any("the log" in problem for problem in tally.problems)


def test_it_names_a_lost_job_and_one_that_does_not_end() -> None:
    lost = judged(history(1, 2, 3, 5), rows={})
    assert (lost.lost, lost.good) == (1, False)
    endless = judged(history(1, 2, 3, 5), rows={JOB: Row("running", 1, KEY, 0.0)})
    assert endless.ended == 0
    assert any("has not ended" in problem for problem in endless.problems)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"accepted": {KEY: {JOB, "another"}}}, "2 jobs"),
        ({"accepted": {}}, "no one has submitted it"),
        ({"rows": {JOB: Row("failed", 1, KEY, 0.0)}}, "was told succeeded"),
        ({"stints": [Stint(JOB, 1, 10, 0, 1), Stint(JOB, 1, 11, 0, 1)]}, "in 2 processes"),
        ({"stints": [Stint(JOB, 1, 10, 0, 3), Stint(JOB, 2, 11, 2, 4)]}, "1.00 s after"),
    ],
)
def test_it_names_what_must_never_be(changes: dict[str, Any], complaint: str) -> None:
    tally = judged(history(1, 2, 3, 5), **changes)
    assert any(complaint in problem for problem in tally.problems)


def test_a_pause_excuses_two_attempts_at_a_time() -> None:
    both = [Stint(JOB, 1, 10, 0, 3), Stint(JOB, 2, 11, 2, 4)]
    assert judged(history(1, 2, 3, 5), stints=both, overlap=True).good


def test_it_names_output_of_a_superseded_attempt() -> None:
    told = history(1, 2, 3)
    for offset, late in ((4, event("job.started", 2)), (5, event("job.output", 1, chunk="late"))):
        told.take(late, cursor(offset))
    told.take(event("job.succeeded", 2), cursor(6))
    seen = [(item.position, item.event) for item in told.seen if item.position is not None]
    tally = judged(told, logs={JOB: Logged(seen)})
    assert tally.disordered == 1
    assert any("after a newer one" in problem for problem in tally.problems)


def test_a_new_epoch_needs_a_snapshot_that_says_so() -> None:
    told = history(1, 2)
    told.take(EVENTS[5], cursor(1, "bbbb"))
    assert judged(told, logs={}).missed == 2  # The jump, and the words.
    told = history(1, 2)
    told.take(event("job.snapshot", status="running", recovered=False), cursor(0, "bbbb"))
    told.take(EVENTS[5], cursor(1, "bbbb"))
    assert judged(told, logs={}).problems == []


def test_a_snapshot_must_say_what_became_of_the_cursor() -> None:
    told = history(1, 2)
    told.take(event("job.snapshot", status="succeeded"), cursor(5))
    assert any("what became" in problem for problem in judged(told).problems)


def test_two_events_at_one_place_are_foreign() -> None:
    told = history(1, 2)
    told.take(event("job.output", chunk="other"), cursor(3))
    told.take(EVENTS[5], cursor(5))
    assert any("two events" in problem for problem in judged(told).problems)


def test_a_gentle_fault_allows_no_break() -> None:
    told = history(1, 2, 3, 5)
    told.broke("closed with 1006")
    assert judged(told).good
    assert not judged(told, gentle=True).good
    assert not judged(history(1, 2, 3, 5), gentle=True, refusals=["503"]).good


@pytest.mark.parametrize("away", [True, False])
def test_an_end_may_say_that_output_is_missing_only_while_the_log_is_away(away: bool) -> None:
    known = [EVENTS[1], EVENTS[2], event("job.succeeded", output_complete=False)]
    told = History("client", {"id": JOB, "token": ""}, cursor(0))
    for offset, item in enumerate(known, start=1):
        told.take(item, cursor(offset))
    logged = Logged([(position(offset), item) for offset, item in enumerate(known, start=1)])
    tally = judged(told, logs={JOB: logged}, log_away=away)
    assert tally.missed == (0 if away else 1)
