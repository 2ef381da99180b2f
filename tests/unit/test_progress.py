"""``Run.progress`` and ``Run.track`` with a publisher: said as often as one likes, told rarely."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from pushjobs import loop
from pushjobs.context import Run
from pushjobs.events import Event, EventType
from pushjobs.exceptions import Cancelled, Superseded
from pushjobs.gauge import Gauge
from pushjobs.models import Job
from tests.unit.conftest import Configure
from tests.unit.loops import running_loop
from tests.unit.records import JOB, OTHER, gauge, output
from tests.unit.test_publisher import Desk
from tests.waiting import until

MANY = 5_000
Speak = Callable[[Run, int], object]


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no text")


class Fading:
    """Text that can be had once, such as what is read from elsewhere."""

    def __init__(self, text: str) -> None:
        self._texts = [text]

    def __str__(self) -> str:
        return self._texts.pop()


def tell(run: Run, to: int) -> None:
    for number in range(1, to + 1):
        run.progress(number, to)


def tell_later(run: Run, to: int) -> None:
    async def handler() -> None:
        for number in range(1, to + 1):
            run.progress(number, to)
            await asyncio.sleep(0)

    asyncio.run(handler())


def track(run: Run, to: int) -> None:
    for _ in run.track(range(to)):
        pass


SPEAKERS = [tell, tell_later, track]


@pytest.fixture
def desk(configure: Configure) -> Iterator[Desk]:
    """Holds back for longer than a test takes, so that only a flush or a status lets go."""
    configure(PROGRESS_INTERVAL=3600, OUTPUT_INTERVAL=3600)
    with running_loop() as home:
        loop.bind(home)
        yield Desk()


@pytest.fixture
def run(desk: Desk) -> Run:
    return Run(Job(id=UUID(JOB), name="test.job", attempt=1), desk.publisher)


def told(desk: Desk) -> list[str]:
    return asyncio.run(desk.told())


def test_a_value_that_is_said_once_goes_out_by_itself(
    desk: Desk, run: Run, configure: Configure
) -> None:
    configure(PROGRESS_INTERVAL=0.02)
    run.progress(1)
    until(lambda: told(desk)[-1:] == ["1"])
    run.progress(2)
    until(lambda: told(desk)[-1:] == ["2"])


def test_the_newest_of_thousands_goes_out_by_itself(
    desk: Desk, run: Run, configure: Configure
) -> None:
    configure(PROGRESS_INTERVAL=0.02)
    for count in (MANY, 2 * MANY, 3 * MANY):
        tell(run, count)
        until(lambda last=f"{count}": told(desk)[-1:] == [last])  # type: ignore[misc]


@pytest.mark.parametrize("speak", SPEAKERS)
def test_the_last_of_thousands_is_told_before_the_end(desk: Desk, run: Run, speak: Speak) -> None:
    speak(run, MANY)
    desk.status(2, EventType.SUCCEEDED)
    assert desk.publisher.flush(20)
    assert told(desk) == ["0" if speak is track else "1", f"{MANY}", "succeeded"]


def test_the_last_of_thousands_is_on_its_way_when_the_attempt_is_settled(
    desk: Desk, run: Run
) -> None:
    tell(run, MANY)
    assert desk.publisher.settle(JOB, 1, 20)
    until(lambda: told(desk) == ["1", f"{MANY}"])


@pytest.mark.parametrize("speak", SPEAKERS)
def test_thousands_of_calls_build_two_events_and_ask_the_publisher_twice(
    desk: Desk, run: Run, speak: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Gauge] = []
    asked: list[Gauge] = []
    take, progress = Gauge.take, desk.publisher.progress

    def counted_take(gauge: Gauge) -> Event:
        taken.append(gauge)
        return take(gauge)

    def counted_progress(gauge: Gauge, channels: tuple[str, ...]) -> None:
        asked.append(gauge)
        progress(gauge, channels)

    monkeypatch.setattr(Gauge, "take", counted_take)
    monkeypatch.setattr(desk.publisher, "progress", counted_progress)
    speak(run, MANY)
    assert (len(taken), len(asked)) == (1, 2)
    desk.status(2, EventType.SUCCEEDED)
    assert (len(taken), len(asked)) == (2, 2)


@pytest.mark.parametrize(
    ("stop", "error"), [(Run.request_cancel, Cancelled), (Run.supersede, Superseded)]
)
@pytest.mark.parametrize("speak", SPEAKERS)
def test_a_stop_reaches_a_loop_that_only_tells_progress(
    desk: Desk, run: Run, speak: Speak, stop: Callable[[Run], None], error: type[Exception]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        handler = pool.submit(speak, run, 1_000_000 if speak is tell_later else 100_000_000)
        until(lambda: run.latest is not None and run.latest["done"] > 1000)
        stop(run)
        with pytest.raises(error):
            handler.result()


def test_of_threads_that_speak_at_once_the_last_word_is_told(desk: Desk, run: Run) -> None:
    def speak(start: int) -> None:
        for number in range(start, start + MANY):
            run.progress(number)

    starts = [place * MANY for place in range(4)]
    threads = [threading.Thread(target=speak, args=(start,)) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.publisher.flush(20)
    assert run.latest is not None
    assert int(told(desk)[-1]) == run.latest["done"]
    assert run.latest["done"] in {start + MANY - 1 for start in starts}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("many",), ValueError),
        (([],), TypeError),
        ((1, "few"), ValueError),
        ((1, object()), TypeError),
        ((1, 2, Unprintable()), ValueError),
    ],
    ids=["done: text", "done: a list", "total: text", "total: an object", "message"],
)
def test_a_bad_argument_raises_in_the_call_that_made_it(
    desk: Desk, run: Run, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    for number in range(3):
        with pytest.raises(error):
            run.progress(*arguments)
        run.progress(number)
    assert desk.publisher.flush(20)
    assert told(desk) == ["0", "2"]


def test_a_bad_total_or_message_raises_when_tracking_begins(desk: Desk, run: Run) -> None:
    with pytest.raises(ValueError, match="few"):
        next(run.track([1], "few"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no text"):
        next(run.track([1], 1, Unprintable()))  # type: ignore[arg-type]
    assert told(desk) == []


def test_what_a_message_says_is_read_in_the_call_that_made_it(desk: Desk, run: Run) -> None:
    run.progress(1, 2, Fading("first"))  # type: ignore[arg-type]
    run.progress(2, 2, Fading("last"))  # type: ignore[arg-type]
    for _ in range(2):
        assert run.latest is not None
        assert run.latest["message"] == "last"
    assert list(run.track("abc", message=Fading("letters"))) == ["a", "b", "c"]  # type: ignore[arg-type]
    assert run.latest["message"] == "letters"
    assert desk.publisher.flush(20)
    assert told(desk) == ["1", "3"]


def test_an_event_that_cannot_be_encoded_stops_no_one_elses_progress(
    desk: Desk, configure: Configure
) -> None:
    configure(PROGRESS_INTERVAL=0.02, OUTPUT_INTERVAL=0.02)
    unprintable: Any = Unprintable()
    desk.say(output("a", job=OTHER), output("b", unprintable, job=OTHER), gauge(1), gauge(2))
    until(lambda: told(desk) == ["output: a", "1", "2"])
