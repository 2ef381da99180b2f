"""``pushjobs.context``: what a handler can say, and what it learns."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from pushjobs.context import Run
from pushjobs.exceptions import Cancelled, Superseded
from pushjobs.models import Job
from pushjobs.voice import CHUNK
from tests.unit.conftest import Configure
from tests.unit.recorder import Recorder
from tests.unit.records import JOB


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def run(recorder: Recorder) -> Run:
    publisher: Any = recorder
    return Run(Job(id=UUID(JOB), name="test.job", attempt=2), publisher)


def said(recorder: Recorder) -> str:
    return "".join(event.data["chunk"] for event in recorder.said)


def test_a_handler_knows_which_run_of_which_job_it_is(run: Run) -> None:
    assert (run.job_id, run.attempt, run.owner) == (UUID(JOB), 2, None)


def test_progress_has_a_percentage_where_there_is_a_total(run: Run, recorder: Recorder) -> None:
    run.progress(1, 3, "first")
    run.progress(5)
    run.progress(7, 3)
    assert [event.data for event in recorder.said] == [
        {"done": 1, "total": 3, "percent": 33.3, "message": "first"},
        {"done": 5, "total": None, "percent": None, "message": None},
        {"done": 7, "total": 3, "percent": 100, "message": None},
    ]
    assert run.latest == recorder.said[-1].data


@pytest.mark.parametrize(
    ("done", "total", "message"),
    [
        (math.nan, 10, None),
        (1, math.inf, None),
        (Decimal("1.5"), Fraction(3), None),
        (10**40, 10**41, None),
        pytest.param(10**400, 10**401, None, id="beyond what a float can say"),
        (1, 2, "caf\udce9 \x00"),
        (1, 2, ValueError("no text")),
        (True, 0, ""),
    ],
    ids=repr,
)
def test_any_progress_can_be_kept_and_told(
    run: Run, recorder: Recorder, done: Any, total: Any, message: Any
) -> None:
    """It goes into one statement with that of all other jobs of the process."""
    run.progress(done, total, message)
    kept = json.loads(json.dumps(run.latest, allow_nan=False))
    assert isinstance(kept["done"], (int, float))
    assert "\x00" not in (kept["message"] or "").encode().decode()
    assert json.loads(recorder.said[0].body())["data"] == kept


def test_tracked_items_are_the_items_with_progress_around_each(
    run: Run, recorder: Recorder
) -> None:
    assert list(run.track("abc")) == ["a", "b", "c"]
    assert list(run.track(iter("de"), message="two")) == ["d", "e"]
    told = [(event.data["done"], event.data["total"]) for event in recorder.said]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3), (0, None), (1, None), (2, None)]


def test_output_is_cut_into_chunks_and_none_is_lost(run: Run, recorder: Recorder) -> None:
    text = "0123456789" * CHUNK
    run.emit(text)
    run.emit("")
    assert said(recorder) == text
    assert {len(event.data["chunk"]) for event in recorder.said} == {CHUNK}


def test_output_over_the_limit_is_left_out_and_that_is_said_once(
    run: Run, recorder: Recorder, configure: Configure
) -> None:
    configure(MAX_OUTPUT=10)
    for _ in range(5):
        run.emit("abcdefg")
    assert said(recorder).startswith("abcdefgabc\n")
    assert said(recorder).count("left out") == 1


def test_output_names_its_stream(run: Run, recorder: Recorder) -> None:
    run.emit("a", "errors")
    assert recorder.said[0].data == {"stream": "errors", "chunk": "a"}


def test_a_cancel_is_seen_by_who_looks_and_raised_in_who_tells_progress(run: Run) -> None:
    assert not run.cancelled
    run.request_cancel()
    assert not run.noticed
    with pytest.raises(Cancelled):
        run.progress(1)
    with pytest.raises(Cancelled):
        list(run.track([1]))
    run.emit("may still say goodbye")
    assert run.cancelled
    assert run.noticed


def test_a_superseded_attempt_says_nothing_more(run: Run, recorder: Recorder) -> None:
    run.supersede()
    with pytest.raises(Superseded):
        run.emit("a")
    with pytest.raises(Superseded):
        run.progress(1)
    assert recorder.said == []
    assert recorder.silenced == [(JOB, 2)]
